package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/problem"
)

// remote is a running server, or a deployed stage, as the operator's commands reach it.
type remote struct {
	Stage  string `env:"RIGHTFUL_STAGE" help:"A stage on AWS: its address is looked up, and calls are signed with your AWS credentials."`
	Server string `env:"RIGHTFUL_SERVER" default:"http://127.0.0.1:8080" help:"The server's address, without --stage."`
	Token  string `env:"RIGHTFUL_TOKEN" help:"The operator's token; by default it is read from the data folder."`
	Data   string `env:"RIGHTFUL_DATA" default:".rightful" help:"The data folder, where operator-token lies."`
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// call makes one call about requests.
func (r remote) call(method, path string, body, into any) (json.RawMessage, error) {
	return r.operate(method, "/requests"+path, body, into)
}

// operate makes one operator's call and decodes its answer.
func (r remote) operate(method, path string, body, into any) (json.RawMessage, error) {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	request, err := r.request(method, path, sent)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 30 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("couldn't reach %s: start it with rightful serve, or set RIGHTFUL_SERVER or --stage", request.URL.Host)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the server's answer: %w", err)
	}
	if response.StatusCode >= 300 {
		return nil, failed(response.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return nil, errors.New("the server's answer can't be read: is it a Rightful of the same version?")
	}
	return answer, nil
}

// request makes an operator's call that the server or the stage lets in.
func (r remote) request(method, path string, body []byte) (*http.Request, error) {
	ctx := context.Background()
	server := r.Server
	var s stage
	if r.Stage != "" {
		var err error
		if s, err = openStage(ctx, r.Stage); err != nil {
			return nil, err
		}
		server = s.outputs["OutApi"]
	}
	request, err := http.NewRequest(method, strings.TrimSuffix(server, "/")+"/v1/operator"+path, bytes.NewReader(body))
	if err != nil {
		return nil, exitError{exitUsage, fmt.Errorf("the server's address %q can't be used: write it like http://127.0.0.1:8080", server)}
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.Stage != "" {
		return request, sign(ctx, s.cfg, request, body, time.Now())
	}
	token := r.Token
	if token == "" {
		text, err := os.ReadFile(filepath.Join(r.Data, "operator-token"))
		if err != nil {
			return nil, exitError{exitDenied, fmt.Errorf("couldn't read the operator's token in %s: set RIGHTFUL_DATA to the server's data folder, or RIGHTFUL_TOKEN", r.Data)}
		}
		token = strings.TrimSpace(string(text))
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return request, nil
}

var exitOf = map[int]int{
	http.StatusUnauthorized: exitDenied, http.StatusForbidden: exitDenied,
	http.StatusNotFound: exitNotFound, http.StatusConflict: exitConflict,
	http.StatusUnprocessableEntity: exitUsage, http.StatusBadRequest: exitUsage,
}

// failed makes an error of the server's problem details.
func failed(status int, body []byte) error {
	var d problem.Details
	text := fmt.Sprintf("the server answered %d", status)
	if json.Unmarshal(body, &d) == nil && d.Detail != "" {
		text = d.Detail
	}
	for _, f := range d.Errors {
		text += fmt.Sprintf("\n  %s: %s", strings.TrimPrefix(f.Location, "body."), f.Message)
	}
	code, ok := exitOf[status]
	if !ok {
		code = exitFailed
	}
	return exitError{code, errors.New(printable(strings.ReplaceAll(text, "\n", "; ")))}
}
