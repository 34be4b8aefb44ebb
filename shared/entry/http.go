package entry

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/rightful/rightful/shared/rights"
)

// HTTP serves calls that come through an HTTP API (payload version 2). The adapters
// that are to be had split header values at their commas and print the path where
// they fail; a path of ours may hold a token.
func HTTP(open func(context.Context) (http.Handler, error)) {
	get := opened(open)
	lambda.Start(func(ctx context.Context, call events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		h, err := get(ctx)
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, named(ctx, err)
		}
		r, err := request(ctx, call)
		if err != nil {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil
		}
		w := &recorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		return w.response(), nil
	})
}

// request is the call as net/http knows it. RemoteAddr is the caller's address
// without a port, as the gateway saw it.
func request(ctx context.Context, call events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(call.Body)
	if call.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(call.Body); err != nil {
			return nil, &rights.Error{Code: rights.Malformed, Detail: "The body can't be read."}
		}
	}
	at := call.RequestContext
	u := url.URL{Scheme: "https", Host: at.DomainName, Path: call.RawPath, RawQuery: call.RawQueryString}
	r, err := http.NewRequestWithContext(ctx, at.HTTP.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, &rights.Error{Code: rights.Malformed, Detail: "The address can't be read."}
	}
	for name, value := range call.Headers {
		r.Header.Set(name, value)
	}
	if len(call.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(call.Cookies, "; "))
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.RemoteAddr, r.RequestURI = at.HTTP.SourceIP, u.RequestURI()
	return r, nil
}

// recorder is a whole answer: a function can't stream one through the gateway.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(text []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(text)
}

func (w *recorder) response() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.header.Values("Set-Cookie")}
	for name, values := range w.header {
		if name != "Set-Cookie" {
			out.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	kind := w.header.Get("Content-Type")
	if strings.HasPrefix(kind, "text/") || strings.Contains(kind, "json") || w.body.Len() == 0 {
		out.Body = w.body.String()
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return out
}
