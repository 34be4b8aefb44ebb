package portal

import (
	"context"
	"net/http"

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

// Callbacks registers the address that systems answer to later.
func (p Portal) Callbacks(api huma.API, take Answer) {
	huma.Register(api, huma.Operation{
		OperationID: "system-callback", Method: http.MethodPost, Path: "/v1/systems/{system}/callbacks/{task}", Summary: "A system reports what it did",
		Description:   "Signed by Standard Webhooks 1.0.0 with the system's secret. A 2xx means that the answer is stored; the same answer may come again.",
		DefaultStatus: http.StatusNoContent, MaxBodyBytes: 32 << 20, Tags: []string{"systems"}, Errors: []int{400, 403, 404, 413},
	}, func(ctx context.Context, in *callbackInput) (*struct{}, error) {
		header := http.Header{}
		header.Set("webhook-id", in.ID)
		header.Set("webhook-timestamp", in.Timestamp)
		header.Set("webhook-signature", in.Signature)
		if err := take(ctx, in.System, rights.TaskID(in.Task), header, in.RawBody); err != nil {
			return nil, p.problem(ctx, err)
		}
		return nil, nil
	})
}
