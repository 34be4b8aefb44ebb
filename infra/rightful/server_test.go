package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// server is the real binary, serving.
type server struct {
	base    string
	process *exec.Cmd
	log     *syncBuffer
}

// startServer starts `rightful serve` over a data folder and returns when it
// takes calls. environment adds settings like RIGHTFUL_REVIEW=all.
func startServer(data string, environment ...string) (*server, error) {
	s := &server{log: &syncBuffer{}, process: exec.Command("rightful", "serve")}
	s.process.Env = append(os.Environ(), "RIGHTFUL_DATA="+data, "RIGHTFUL_ADDR=127.0.0.1:0", "RIGHTFUL_DEMO_ANSWER=50ms")
	s.process.Env = append(s.process.Env, environment...)
	s.process.Stderr = s.log
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, after, found := strings.Cut(line, "Open ")
	if err != nil || !found {
		s.kill()
		return nil, fmt.Errorf("the server didn't start: %v: %s", err, s.log.Bytes())
	}
	s.base, _, _ = strings.Cut(strings.TrimSpace(after), " ")
	go io.Copy(io.Discard, out)
	return s, nil
}

// kill ends it as kill -9 does.
func (s *server) kill() {
	if s.process.ProcessState == nil {
		s.process.Process.Kill()
		s.process.Wait()
	}
}

var client = &http.Client{Timeout: 30 * time.Second}

// call makes one call; body is sent as JSON where it isn't nil.
func (s *server) call(method, path, token string, body any, headers ...string) (int, []byte, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, s.base+path, sent)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// mailed is one mail in the mailbox.
type mailed struct {
	To, Subject, Text string
	Links             []string
}

// mails are the mails to an address, newest first; "" for all.
func (s *server) mails(to string) []mailed {
	_, answer, err := s.call("GET", "/dev/mailbox?to="+url.QueryEscape(to), "", nil)
	var all []mailed
	if err != nil || json.Unmarshal(answer, &all) != nil {
		return nil
	}
	return all
}

// archive fetches an export and returns all of its files as one text.
func (s *server) archive(id, token string) (string, error) {
	status, body, err := s.call("GET", "/v1/requests/"+id+"/export", token, nil)
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("the export answered %d: %s %w", status, body, err)
	}
	files, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, f := range files.File {
		in, err := f.Open()
		if err != nil {
			return "", err
		}
		if _, err := io.Copy(&all, in); err != nil {
			return "", err
		}
		in.Close()
	}
	return all.String(), nil
}

// syncBuffer is a buffer that a process writes while a test reads.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buffer.Bytes())
}
