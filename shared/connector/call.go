package connector

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// A definition's calls are filled in twice: with variables when it is loaded, and with
// what a job brings when it is carried out.

// fillCalls fills in what is the same for everybody.
func fillCalls(calls []call, variables map[string]string) error {
	for i, c := range calls {
		var err error
		if calls[i].Path, err = fill(c.Path, variables); err != nil {
			return fmt.Errorf("path: %w", err)
		}
		body, err := filled(c.Body, func(text string) (string, error) { return fill(text, variables) })
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		calls[i].Body = body.(map[string]any)
	}
	return nil
}

// placeholders are what a definition may use.
func (y *httpSystem) placeholders(j Job) (map[string]string, error) {
	value, err := identity(j.Subject, y.d.Identity)
	if err != nil {
		return nil, err
	}
	values := map[string]string{"{" + y.d.Identity + "}": value, "{task}": string(j.Task), "{callback}": j.Callback}
	if y.d.Identity == "email" {
		sum := md5.Sum([]byte(strings.ToLower(value))) // how Mailchimp names a member; no secret rests on it
		values["{email_md5}"] = hex.EncodeToString(sum[:])
	}
	if len(j.Choices) == 1 {
		values["{topic}"] = j.Choices[0].Topic
	}
	return values, nil
}

func (y *httpSystem) address(j Job, path string, query map[string]string) (*url.URL, error) {
	values, err := y.placeholders(j)
	if err != nil {
		return nil, err
	}
	for name, value := range values {
		path = strings.ReplaceAll(path, name, url.PathEscape(value))
	}
	q := url.Values{}
	for key, value := range query {
		q.Set(key, replace(value, values))
	}
	address, err := y.root.Parse(strings.TrimSuffix(y.root.Path, "/") + path)
	if err != nil {
		return nil, &Error{Problem: "the definition's path makes no address", Final: true}
	}
	address.RawQuery = q.Encode()
	return address, nil
}

func (y *httpSystem) body(j Job, fields map[string]any) ([]byte, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	values, err := y.placeholders(j)
	if err != nil {
		return nil, err
	}
	body, err := filled(fields, func(text string) (string, error) { return replace(text, values), nil })
	if err != nil {
		return nil, err
	}
	return json.Marshal(body)
}

// filled is a body with do done to its texts, however deep they stand.
func filled(in any, do func(string) (string, error)) (any, error) {
	switch in := in.(type) {
	case string:
		return do(in)
	case []any:
		out := make([]any, len(in))
		for i, v := range in {
			var err error
			if out[i], err = filled(v, do); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := map[string]any{}
		for k, v := range in {
			var err error
			if out[k], err = filled(v, do); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return in, nil
}

func replace(text string, values map[string]string) string {
	for name, value := range values {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}
