package portal

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rightful/rightful/shared/rights"
)

// Answer takes a system's late answer: work.Worker's.
type Answer func(ctx context.Context, system string, task rights.TaskID, header http.Header, body []byte) error

type callbackInput struct {
	System    string `path:"system"`
	Task      string `path:"task"`
	ID        string `header:"webhook-id" doc:"The task's id."`
	Timestamp string `header:"webhook-timestamp" doc:"Seconds since 1970; at most five minutes off."`
	Signature string `header:"webhook-signature" doc:"Standard Webhooks 1.0.0: v1,<base64 of HMAC-SHA256>."`
	RawBody   []byte
}

// Report takes what a sender reports: feedback.Hook's.
type Report func(ctx context.Context, header http.Header, body []byte) error

type reportInput struct {
	ID        string `header:"webhook-id" doc:"The same for the same report."`
	Timestamp string `header:"webhook-timestamp" doc:"Seconds since 1970; at most five minutes off."`
	Signature string `header:"webhook-signature" doc:"Standard Webhooks 1.0.0: v1,<base64 of HMAC-SHA256>."`
	RawBody   []byte
}

// Reports registers the address that senders report to; body is the type of a report.
func (p Portal) Reports(api huma.API, body reflect.Type, take Report) {
	huma.Register(api, huma.Operation{
		OperationID: "report-mail", Method: http.MethodPost, Path: "/v1/mail/reports", Summary: "A sender reports a bounce, a complaint or an unsubscription",
		Description:   "Signed by Standard Webhooks 1.0.0 with the senders' secret. A 2xx means that it is kept; the same report may come again.",
		DefaultStatus: http.StatusNoContent, MaxBodyBytes: maxBody, Tags: []string{"systems"}, Errors: []int{400, 403, 422},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: huma.SchemaFromType(api.OpenAPI().Components.Schemas, body)}}},
	}, func(ctx context.Context, in *reportInput) (*struct{}, error) {
		if err := take(ctx, signed(in.ID, in.Timestamp, in.Signature), in.RawBody); err != nil {
			return nil, p.problem(ctx, err)
		}
		return nil, nil
	})
}

func signed(id, timestamp, signature string) http.Header {
	header := http.Header{}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", timestamp)
	header.Set("webhook-signature", signature)
	return header
}

// Callbacks registers the address that systems answer to later.
func (p Portal) Callbacks(api huma.API, take Answer) {
	huma.Register(api, huma.Operation{
		OperationID: "system-callback", Method: http.MethodPost, Path: "/v1/systems/{system}/callbacks/{task}", Summary: "A system reports what it did",
		Description:   "Signed by Standard Webhooks 1.0.0 with the system's secret. A 2xx means that the answer is stored; the same answer may come again.",
		DefaultStatus: http.StatusNoContent, MaxBodyBytes: 32 << 20, Tags: []string{"systems"}, Errors: []int{400, 403, 404, 413},
	}, func(ctx context.Context, in *callbackInput) (*struct{}, error) {
		if err := take(ctx, in.System, rights.TaskID(in.Task), signed(in.ID, in.Timestamp, in.Signature), in.RawBody); err != nil {
			return nil, p.problem(ctx, err)
		}
		return nil, nil
	})
}
