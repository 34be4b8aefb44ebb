package connector

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// httpSystem is a system with an API.
type httpSystem struct {
	base
	root           *url.URL
	authorization  string
	sign           Signer
	callbackSecret string
	client         *http.Client
}

const (
	maxAnswer = 32 << 20 // bytes of one answer or page
	maxPages  = 10_000
)

func newHTTP(b base, s Settings) (System, error) {
	d := b.d
	text, err := fill(d.BaseURL, s.Variables)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	y := &httpSystem{base: b}
	if y.root, err = parseBase(text); err != nil {
		return nil, err
	}
	if err := y.authorize(s); err != nil {
		return nil, err
	}
	if y.callbackSecret, err = s.Secret("callback_secret", d.CallbackSecret); err != nil {
		return nil, err
	}
	for _, c := range d.Collections {
		if c.Name == "" || !strings.HasPrefix(c.Path, "/") {
			return nil, fmt.Errorf("collections: %s: path: give the path of the list, like /contacts", c.Name)
		}
		if c.Table != "" || c.OnErase != "" {
			return nil, fmt.Errorf("collections: %s: table and on_erase belong to a sql system", c.Name)
		}
	}
	for _, calls := range [][]call{d.Export, d.Erase, d.Unsubscribe, d.Resubscribe} {
		if err := fillCalls(calls, s.Variables); err != nil {
			return nil, err
		}
	}
	for _, c := range slices.Concat(d.Export, d.Erase, d.Unsubscribe, d.Resubscribe) {
		if !strings.HasPrefix(c.Path, "/") {
			return nil, fmt.Errorf("path: %q must begin with a slash", c.Path)
		}
		if !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, c.Method) {
			return nil, fmt.Errorf("method: %q must be GET, POST, PUT, PATCH or DELETE", c.Method)
		}
		if c.Async && y.callbackSecret == "" {
			return nil, errors.New("callback_secret: a system that answers later has to sign its answers")
		}
	}
	for _, c := range slices.Concat(d.Unsubscribe, d.Resubscribe) {
		if c.Async || c.Collection != "" || c.Table != "" || len(c.Set) > 0 {
			return nil, errors.New("unsubscribe: async and collection belong to export and erase, table and set to a sql system")
		}
	}
	y.client = newClient(b.timeout, slices.Contains(s.AllowPrivate, y.root.Host))
	return y, nil
}

// authorize reads how calls show who makes them.
func (y *httpSystem) authorize(s Settings) error {
	bearer, err := s.Secret("bearer", y.d.Bearer)
	if err != nil {
		return err
	}
	basic, err := s.Secret("basic", y.d.Basic)
	if err != nil {
		return err
	}
	switch {
	case len(slices.DeleteFunc([]string{bearer, basic, y.d.AWS}, func(s string) bool { return s == "" })) > 1:
		return errors.New("bearer: only one of bearer, basic and aws can be meant")
	case y.d.AWS != "" && s.Sign == nil:
		return errors.New("aws: there are no credentials of AWS here")
	case y.d.AWS != "":
		y.sign = s.Sign
	case bearer != "":
		y.authorization = "Bearer " + bearer
	case basic != "":
		y.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(basic))
	}
	return nil
}

// Does implements System.
func (y *httpSystem) Does(a rights.Action) bool {
	switch a {
	case rights.Locate, rights.Export:
		return len(y.d.Collections) > 0
	case rights.Erase:
		return len(y.d.Erase) > 0
	case rights.Suppress:
		return len(y.d.Unsubscribe) > 0
	}
	return false
}

// Locate implements System.
func (y *httpSystem) Locate(ctx context.Context, j Job) (Answer, error) {
	return y.lists(ctx, j, func(string, Record) error { return nil })
}

// Export implements System.
func (y *httpSystem) Export(ctx context.Context, j Job, sink Sink) (Answer, error) {
	if len(y.d.Export) > 0 {
		return y.calls(ctx, j, y.d.Export)
	}
	return y.lists(ctx, j, sink)
}

// Erase implements System.
func (y *httpSystem) Erase(ctx context.Context, j Job) (Answer, error) {
	return y.calls(ctx, j, y.d.Erase)
}

// lists reads every collection to its last page.
func (y *httpSystem) lists(ctx context.Context, j Job, sink Sink) (Answer, error) {
	var a Answer
	for _, c := range y.d.Collections {
		found := rights.Found{Collection: c.Name}
		address, err := y.address(j, c.Path, c.Query)
		for page := 0; err == nil && address != nil; page++ {
			if page == maxPages {
				return a, &Error{Problem: "the list of " + c.Name + " doesn't end", Final: true}
			}
			address, err = y.page(ctx, j, c, address, &found, sink)
		}
		if err != nil {
			return a, err
		}
		a.Found = append(a.Found, found)
	}
	a.Outcome = outcome(a.Found, nil)
	return a, nil
}

// page reads one page and returns the address of the next, nil at the end.
func (y *httpSystem) page(ctx context.Context, j Job, c collection, address *url.URL, found *rights.Found, sink Sink) (*url.URL, error) {
	status, body, err := y.do(ctx, j, http.MethodGet, address, nil)
	if err != nil || status == http.StatusNotFound {
		return nil, err
	}
	items, err := pick(body, c.Items)
	var list []json.RawMessage
	if err != nil || json.Unmarshal(items, &list) != nil {
		return nil, &Error{Problem: "answered without the list of " + c.Name, Final: true}
	}
	for _, item := range list {
		record, err := parseRecord(item)
		if err != nil {
			return nil, &Error{Problem: "answered with a " + c.Name + " that is no object", Final: true}
		}
		if err := sink(c.Name, record); err != nil {
			return nil, err
		}
	}
	found.Count += len(list)
	if c.Next == "" || len(list) == 0 {
		return nil, nil
	}
	next, err := pick(body, c.Next)
	var text string
	if err != nil || json.Unmarshal(next, &text) != nil || text == "" {
		return nil, nil
	}
	to, err := address.Parse(text)
	// A page that leads to another host would get our credentials.
	if err != nil || to.Host != y.root.Host || to.Scheme != y.root.Scheme {
		return nil, &Error{Problem: "the next page of " + c.Name + " is at another address", Final: true}
	}
	return to, nil
}

// calls makes the calls of an action one after another.
func (y *httpSystem) calls(ctx context.Context, j Job, calls []call) (Answer, error) {
	var a Answer
	late := false
	for _, c := range calls {
		address, err := y.address(j, c.Path, c.Query)
		if err != nil {
			return a, err
		}
		body, err := y.body(j, c.Body)
		if err != nil {
			return a, err
		}
		status, answer, err := y.do(ctx, j, c.Method, address, body)
		if err != nil {
			return a, err
		}
		late = late || c.Async && status == http.StatusAccepted
		if text, err := pick(answer, c.Reference); c.Reference != "" && err == nil {
			a.Reference = strings.Trim(string(text), `"`)
			a.Reference = a.Reference[:min(len(a.Reference), 100)]
		}
		if c.Collection != "" && status != http.StatusNotFound {
			text, err := pick(answer, c.Count)
			n, err2 := strconv.Atoi(string(text))
			if err != nil || err2 != nil {
				return a, &Error{Problem: "answered without the count of " + c.Collection, Final: true}
			}
			a.Found = append(a.Found, rights.Found{Collection: c.Collection, Count: n})
		}
	}
	if late {
		a.Outcome = rights.Accepted
		return a, nil
	}
	a.Outcome = outcome(a.Found, nil)
	return a, nil
}

// do makes one call. 404 is an answer: the system knows nobody. Every other
// failure is an *Error; the system's own words are never repeated.
func (y *httpSystem) do(ctx context.Context, j Job, method string, address *url.URL, body []byte) (int, []byte, error) {
	header := http.Header{}
	for name, value := range y.d.Headers {
		header.Set(name, value)
	}
	header.Set("Accept", "application/json")
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	if y.authorization != "" {
		header.Set("Authorization", y.authorization)
	}
	if method != http.MethodGet {
		header.Set("Idempotency-Key", string(j.Task))
	}
	return y.send(ctx, j, method, address, body, header)
}

func (y *httpSystem) send(ctx context.Context, j Job, method string, address *url.URL, body []byte, header http.Header) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, &Error{Problem: "the definition makes no request", Final: true}
	}
	request.Header = header
	if y.sign != nil {
		if err := y.sign(request, body, y.d.AWS, j.At); err != nil {
			return 0, nil, &Error{Problem: "the call can't be signed for AWS"}
		}
	}
	response, err := y.client.Do(request)
	if err != nil {
		return 0, nil, unreachable(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch status := response.StatusCode; {
	case err != nil:
		return 0, nil, unreachable(err)
	case len(answer) > maxAnswer:
		return 0, nil, &Error{Problem: fmt.Sprintf("answered more than %d MB at once", maxAnswer>>20), Final: true}
	case status >= 200 && status < 300, status == http.StatusNotFound:
		return status, answer, nil
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return 0, nil, &Error{Problem: "answered " + strconv.Itoa(status), RetryAfter: retryAfter(response.Header.Get("Retry-After"), j.At)}
	default:
		return 0, nil, &Error{Problem: "answered " + strconv.Itoa(status) + ": check the credentials and the definition", Final: true}
	}
}

func unreachable(err error) error {
	if ours, ok := errors.AsType[*Error](err); ok {
		return ours
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		return &Error{Problem: "gave no answer in time"}
	}
	return &Error{Problem: "can't be reached"}
}

// maxRetryAfter is the longest wait that a system may ask for.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110 § 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		wait = time.Duration(min(max(seconds, 0), 1<<30)) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// pick follows a dotted path through objects; "" is the whole.
func pick(body json.RawMessage, path string) (json.RawMessage, error) {
	if path == "" {
		return body, nil
	}
	for name := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(body, &object); err != nil {
			return nil, err
		}
		value, ok := object[name]
		if !ok {
			return nil, fmt.Errorf("there is no %s", name)
		}
		body = value
	}
	return body, nil
}

// parseRecord reads an object and keeps the order of its fields and the digits of
// its numbers.
func parseRecord(text json.RawMessage) (Record, error) {
	in := json.NewDecoder(bytes.NewReader(text))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	record := Record{}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return nil, err
		}
		record = append(record, Value{name.(string), value})
	}
	return record, nil
}
