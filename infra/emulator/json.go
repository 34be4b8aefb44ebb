package emulator

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Flow runs the executions that are started.
type Flow interface {
	Start(ctx context.Context, name string, input json.RawMessage) error // ErrExists
	Succeed(ctx context.Context, token string, output json.RawMessage) error
	Fail(ctx context.Context, token, name, cause string) error // ErrNoTask, as Succeed
}

var (
	// ErrExists is the error of a name that is taken.
	ErrExists = errors.New("the execution exists")
	// ErrNoTask is the error of a token that nobody waits on.
	ErrNoTask = errors.New("nobody waits on this token")
)

func flowFault(err error) error {
	switch {
	case errors.Is(err, ErrExists):
		return fault{"ExecutionAlreadyExists", err.Error()}
	case errors.Is(err, ErrNoTask):
		return fault{"TaskTimedOut", err.Error()}
	}
	return err
}

func (e *Emulator) startExecution(body json.RawMessage) (any, error) {
	var in struct{ StateMachineArn, Name, Input string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	err := e.Flow.Start(context.Background(), in.Name, json.RawMessage(in.Input))
	return map[string]any{"executionArn": in.StateMachineArn + ":" + in.Name, "startDate": e.Now().Unix()}, flowFault(err)
}

func (e *Emulator) taskSuccess(body json.RawMessage) (any, error) {
	var in struct{ TaskToken, Output string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	return struct{}{}, flowFault(e.Flow.Succeed(context.Background(), in.TaskToken, json.RawMessage(in.Output)))
}

func (e *Emulator) taskFailure(body json.RawMessage) (any, error) {
	var in struct{ TaskToken, Error, Cause string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	return struct{}{}, flowFault(e.Flow.Fail(context.Background(), in.TaskToken, in.Error, in.Cause))
}

// Message is one on a queue.
type Message struct{ ID, Body, Group string }

func (e *Emulator) sendMessageBatch(body json.RawMessage) (any, error) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []struct {
			ID    string `json:"Id"`
			Body  string `json:"MessageBody"`
			Group string `json:"MessageGroupId"`
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if len(in.Entries) == 0 || len(in.Entries) > 10 {
		return nil, fault{"TooManyEntriesInBatchRequest", "1 to 10 entries"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	type sent struct {
		ID      string `json:"Id"`
		Message string `json:"MessageId"`
		MD5     string `json:"MD5OfMessageBody"`
	}
	var out []sent
	if e.messages == nil {
		e.messages = map[string][]Message{}
	}
	for _, m := range in.Entries {
		if e.Old && m.Group != "" {
			return nil, fault{"InvalidParameterValue", "The request includes a parameter that is not valid for this queue type"}
		}
		sum := md5.Sum([]byte(m.Body))
		out = append(out, sent{m.ID, m.Body, hex.EncodeToString(sum[:])})
		e.messages[in.QueueURL] = append(e.messages[in.QueueURL], Message{m.Body, m.Body, m.Group})
	}
	return map[string]any{"Successful": out, "Failed": []sent{}}, nil
}

// Receive takes messages off a queue, as Lambda's pollers do.
func (e *Emulator) Receive(queue string, most int) []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	waiting := e.messages[queue]
	n := min(most, len(waiting))
	if n > 0 {
		e.messages[queue] = waiting[n:]
	}
	return waiting[:n:n]
}

// Ciphertexts carry their context in front: no other opens them.
func (e *Emulator) encrypt(body json.RawMessage) (any, error) {
	var in struct {
		Plaintext         []byte
		EncryptionContext map[string]string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	return map[string]any{"CiphertextBlob": append(bound(in.EncryptionContext), flip(in.Plaintext)...)}, nil
}

func (e *Emulator) decrypt(body json.RawMessage) (any, error) {
	var in struct {
		CiphertextBlob    []byte
		EncryptionContext map[string]string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	sealed, ok := bytes.CutPrefix(in.CiphertextBlob, bound(in.EncryptionContext))
	if !ok {
		return nil, fault{"InvalidCiphertextException", "the context is another one"}
	}
	return map[string]any{"Plaintext": flip(sealed)}, nil
}

func bound(context map[string]string) []byte {
	text, _ := json.Marshal(context) // strings can be written
	return append(text, '\n')
}

// flip makes a text unreadable to a test that looks for it; it is no encryption.
func flip(text []byte) []byte {
	out := bytes.Clone(text)
	for i := range out {
		out[i] ^= 0x5a
	}
	return out
}

// Parameter sets a parameter.
func (e *Emulator) Parameter(name, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.parameters == nil {
		e.parameters = map[string]string{}
	}
	e.parameters[name] = value
}

func (e *Emulator) parametersByPath(body json.RawMessage) (any, error) {
	var in struct{ Path string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	found := []map[string]string{}
	for name, value := range e.parameters {
		if strings.HasPrefix(name, strings.TrimSuffix(in.Path, "/")+"/") {
			found = append(found, map[string]string{"Name": name, "Type": "SecureString", "Value": value})
		}
	}
	return map[string]any{"Parameters": found}, nil
}

// Mail is one that was sent.
type Mail struct {
	From             string
	To               []string
	Raw              []byte
	ConfigurationSet string
	Tags             map[string]string
	SentAt           time.Time
}

// Mails are all that were sent, the oldest first.
func (e *Emulator) Mails() []Mail {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Mail(nil), e.mails...)
}

// suppressed is SES's own list of whom it doesn't mail.
func (e *Emulator) suppressed(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case r.Method == http.MethodGet:
		e.count("SES.ListSuppressedDestinations")
		since, _ := strconv.ParseFloat(r.URL.Query().Get("StartDate"), 64) // none is from the beginning
		if at, err := time.Parse(time.RFC3339, r.URL.Query().Get("StartDate")); err == nil {
			since = float64(at.Unix())
		}
		// Two entries a page: a reader that forgets the next page is found out.
		from, _ := strconv.Atoi(r.URL.Query().Get("NextToken"))
		page := map[string]any{}
		var entries []Suppressed
		for i := from; i < len(e.unmailed) && len(entries) < 2; i++ {
			if float64(e.unmailed[i].LastUpdateTime) >= since {
				entries = append(entries, e.unmailed[i])
			}
			if from = i + 1; from < len(e.unmailed) {
				page["NextToken"] = strconv.Itoa(from)
			} else {
				delete(page, "NextToken")
			}
		}
		page["SuppressedDestinationSummaries"] = entries
		answer(w, nil, page)
	case r.Method == http.MethodPut:
		var in struct{ EmailAddress, Reason string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !strings.Contains(r.Header.Get("Authorization"), "/ses/aws4_request") {
			answer(w, fault{"BadRequestException", "the entry can't be read, or the call isn't signed"}, nil)
			return
		}
		e.count("SES.PutSuppressedDestination")
		e.unmailed = append(e.unmailed, Suppressed{in.EmailAddress, in.Reason, e.Now().Unix()})
		answer(w, nil, map[string]string{})
	}
}

// Suppressed is an entry of that list.
type Suppressed struct {
	EmailAddress   string
	Reason         string // BOUNCE or COMPLAINT
	LastUpdateTime int64
}

// Suppress puts an address there, as a bounce or a complaint does.
func (e *Emulator) Suppress(address, reason string, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unmailed = append(e.unmailed, Suppressed{address, reason, at.Unix()})
}

// Published are the events that a bus was given, as they came.
func (e *Emulator) Published() []Published {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.published)
}

// Published is an event.
type Published struct{ EventBusName, Source, DetailType, Detail string }

func (e *Emulator) putEvents(body json.RawMessage) (any, error) {
	var in struct{ Entries []Published }
	if err := json.Unmarshal(body, &in); err != nil || len(in.Entries) > 10 {
		return nil, fault{"ValidationException", "at most ten events at once"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if failed := e.BusFails; failed > 0 {
		return map[string]any{"FailedEntryCount": failed, "Entries": make([]struct{ ErrorCode string }, len(in.Entries))}, nil
	}
	e.published = append(e.published, in.Entries...)
	return map[string]any{"FailedEntryCount": 0, "Entries": make([]struct{ EventID string }, len(in.Entries))}, nil
}

func (e *Emulator) sendEmail(w http.ResponseWriter, r *http.Request) {
	var in struct {
		FromEmailAddress     string
		Destination          struct{ ToAddresses []string }
		Content              struct{ Raw struct{ Data []byte } }
		ConfigurationSetName string
		EmailTags            []struct{ Name, Value string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v2/email/outbound-emails" {
		answer(w, fault{"BadRequestException", "the emulator sends raw mails alone"}, nil)
		return
	}
	m := Mail{in.FromEmailAddress, in.Destination.ToAddresses, in.Content.Raw.Data, in.ConfigurationSetName, map[string]string{}, e.Now()}
	for _, tag := range in.EmailTags {
		m.Tags[tag.Name] = tag.Value
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count("SES.SendEmail")
	e.mails = append(e.mails, m)
	answer(w, nil, map[string]string{"MessageId": hex.EncodeToString([]byte(m.SentAt.String()))[:16]})
}
