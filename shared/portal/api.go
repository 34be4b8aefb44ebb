package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rightful/rightful/shared/problem"
	"github.com/rightful/rightful/shared/rights"
)

// submission is the body of POST /v1/requests.
type submission struct {
	Right   rights.Right `json:"right" doc:"What the person asks for." enum:"access,portability,rectification,erasure,restriction,objection,opt_out_sale,limit_sensitive,automated_decision,withdraw_consent,unsubscribe"`
	Subject subject      `json:"subject" doc:"Whose data it is."`
	Details string       `json:"details,omitempty" maxLength:"1000" doc:"Anything to narrow it, in the person's words."`
	Agent   string       `json:"agent,omitempty" maxLength:"200" doc:"Who asks on the person's behalf."`
}

type subject struct {
	Email       string            `json:"email" maxLength:"254" doc:"The address they use with the company." example:"ada@example.com"`
	Name        string            `json:"name,omitempty" maxLength:"200"`
	Country     string            `json:"country,omitempty" doc:"ISO 3166-1 alpha-2; it picks the law." example:"DE"`
	Region      string            `json:"region,omitempty" doc:"ISO 3166-2 without the country." example:"CA"`
	Identifiers map[string]string `json:"identifiers,omitempty" doc:"What else the company may know them by."`
}

// receipt is the answer to a stored request.
type receipt struct {
	ID          rights.ID       `json:"id"`
	Right       rights.Right    `json:"right"`
	Status      rights.Status   `json:"status"`
	Reason      rights.Reason   `json:"reason"`
	Regime      rights.RegimeID `json:"regime"`
	ReceivedAt  time.Time       `json:"received_at"`
	ExpectedBy  time.Time       `json:"expected_by" doc:"The law's deadline for the answer."`
	StatusURL   string          `json:"status_url" doc:"A page that shows where the request stands."`
	AccessToken string          `json:"access_token" doc:"Send it as Authorization: Bearer to read or withdraw the request."`
}

type client string

// clientKey carries whoever sends, for the limits.
type clientKey struct{}

// WithClient wraps h so that the limits know who sends; of says who that is.
func WithClient(h http.Handler, of func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, client(of(r)))))
	})
}

func clientOf(ctx context.Context) string {
	c, _ := ctx.Value(clientKey{}).(client)
	return string(c)
}

const maxBody = 64 << 10

// API registers what programs call for a person.
func (p Portal) API(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "submit-request", Method: http.MethodPost, Path: "/v1/requests", Summary: "Hand in a request",
		Description:   "A 202 means that the request is stored. The person gets a mail with a link and a code where the address has to be proved. The answer is the same whether or not the company knows the address.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxBody, Tags: []string{"requests"},
		Errors: []int{400, 409, 413, 415, 422, 429},
	}, p.postRequest)
	huma.Register(api, huma.Operation{
		OperationID: "show-request", Method: http.MethodGet, Path: "/v1/requests/{id}", Summary: "See where a request stands",
		Tags: []string{"requests"}, Security: bearer, Errors: []int{401, 403, 404, 410},
	}, p.getRequest)
	huma.Register(api, huma.Operation{
		OperationID: "withdraw-request", Method: http.MethodDelete, Path: "/v1/requests/{id}", Summary: "Take a request back",
		Tags: []string{"requests"}, Security: bearer, Errors: []int{401, 403, 404, 409, 410},
	}, p.deleteRequest)
	huma.Register(api, huma.Operation{
		OperationID: "prove-address", Method: http.MethodPost, Path: "/v1/requests/{id}/verification", Summary: "Prove the address with the token or the code from the mail",
		MaxBodyBytes: maxBody, Tags: []string{"requests"}, Errors: []int{400, 403, 404, 409, 410, 422, 429},
	}, p.postVerification)
	huma.Register(api, huma.Operation{
		OperationID: "resend-proof", Method: http.MethodPost, Path: "/v1/requests/{id}/verification/resend", Summary: "Mail a new link and code",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxBody, Tags: []string{"requests"}, Errors: []int{404, 409, 410, 429},
	}, p.postResend)
	huma.Register(api, huma.Operation{
		OperationID: "fetch-export", Method: http.MethodGet, Path: "/v1/requests/{id}/export", Summary: "Fetch the export",
		Description:   "Redirects to an address that is made for this click and works for some minutes.",
		DefaultStatus: http.StatusSeeOther, Tags: []string{"requests"}, Security: bearer, Errors: []int{401, 403, 404, 409, 410},
	}, p.getExport)
}

var bearer = []map[string][]string{{"bearer": {}}}

type answer[T any] struct {
	CacheControl string `header:"Cache-Control"`
	Body         T
}

func private[T any](body T) *answer[T] { return &answer[T]{CacheControl: "no-store", Body: body} }

type postRequestInput struct {
	Signal  string `header:"Sec-GPC" doc:"1 for Global Privacy Control: the person's data is then neither sold nor shared."`
	Key     string `header:"Idempotency-Key" maxLength:"255" doc:"A key of the caller's choice, a UUID say: the same key with the same body is one request."`
	Body    submission
	RawBody []byte
}

type postRequestOutput struct {
	Location     string `header:"Location"`
	CacheControl string `header:"Cache-Control"`
	Body         receipt
}

func (p Portal) postRequest(ctx context.Context, in *postRequestInput) (*postRequestOutput, error) {
	sum := sha256.Sum256(in.RawBody)
	b := in.Body
	r, err := p.Submit(ctx, Form{
		Right: b.Right, Signal: in.Signal == "1", Key: in.Key, Fingerprint: hex.EncodeToString(sum[:]), Client: clientOf(ctx),
		Personal: rights.Personal{Details: b.Details, Agent: b.Agent, Subject: rights.Subject{Email: b.Subject.Email, Name: b.Subject.Name, Country: b.Subject.Country, Region: b.Subject.Region, Identifiers: b.Subject.Identifiers}},
	})
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	return &postRequestOutput{Location: "/v1/requests/" + string(r.ID), CacheControl: "no-store", Body: receipt{
		ID: r.ID, Right: r.Right, Status: r.Status, Reason: r.Reason, Regime: r.Regime, ReceivedAt: r.ReceivedAt, ExpectedBy: r.ExpectedBy,
		StatusURL: p.Links.Status(r, rights.HeldByFiler), AccessToken: p.Links.StatusToken(r, rights.HeldByFiler),
	}}, nil
}

type ownInput struct {
	ID            string `path:"id" example:"DR-7K4M-29QX-H3WT"`
	Authorization string `header:"Authorization" doc:"Bearer and the access token." maxLength:"700"`
}

// own opens the bearer token, which has to be about the request in the path.
func (p Portal) own(ctx context.Context, in ownInput) (rights.Request, int, error) {
	token, found := strings.CutPrefix(in.Authorization, "Bearer ")
	if !found {
		return rights.Request{}, 0, problem.Unauthorized("Send the access token that came with the request: Authorization: Bearer <access_token>.")
	}
	r, held, err := p.Own(ctx, token)
	if err == nil && string(r.ID) != strings.ToUpper(in.ID) {
		err = &rights.Error{Code: rights.Forbidden, Detail: "This access token belongs to another request. Send the one that came with this request."}
	}
	return r, held, err
}

func (p Portal) getRequest(ctx context.Context, in *ownInput) (*answer[View], error) {
	r, held, err := p.own(ctx, *in)
	return p.show(ctx, r, held, err)
}

func (p Portal) show(ctx context.Context, r rights.Request, held int, err error) (*answer[View], error) {
	var v View
	if err == nil {
		v, err = p.view(ctx, r, held)
	}
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	return private(v), nil
}

// view shows a request to the holder of a token. What each system holds is for
// whoever has shown that the data is theirs: anybody can file a request for
// somebody else's address, and must not learn from it who is known where.
func (p Portal) view(ctx context.Context, r rights.Request, held int) (View, error) {
	var tasks []rights.Task
	if held == rights.HeldByMail || r.FilerProven || !r.Right.NeedsProof() {
		var err error
		if tasks, err = p.Store.TasksOf(ctx, r.ID); err != nil {
			return View{}, err
		}
	} else {
		r.Plan = rights.Plan{}
	}
	v := NewView(r, tasks, p.titles(), p.Policy)
	if r.Reason == rights.NeedsProof {
		ledger, err := p.Store.Ledger(ctx, r.ID)
		if err != nil {
			return View{}, err
		}
		v.MailReturned = slices.ContainsFunc(ledger, func(e rights.Event) bool { return e.Kind == rights.MailReturned })
	}
	return v, nil
}

func (p Portal) titles() map[string]string {
	titles := map[string]string{}
	for _, s := range p.Systems {
		titles[s.Name()] = s.Title()
	}
	return titles
}

func (p Portal) deleteRequest(ctx context.Context, in *ownInput) (*answer[View], error) {
	r, held, err := p.own(ctx, *in)
	if err == nil {
		r, err = p.Withdraw(ctx, r.ID)
	}
	return p.show(ctx, r, held, err)
}

type verificationInput struct {
	ID   string `path:"id"`
	Body struct {
		Token string `json:"token,omitempty" maxLength:"700" doc:"From the link in the mail."`
		Code  string `json:"code,omitempty" maxLength:"20" doc:"The 8 digits in the mail."`
	}
}

func (p Portal) postVerification(ctx context.Context, in *verificationInput) (*answer[View], error) {
	r, err := p.prove(ctx, in)
	return p.show(ctx, r, rights.HeldByFiler, err)
}

func (p Portal) prove(ctx context.Context, in *verificationInput) (rights.Request, error) {
	id, err := rights.ParseID(in.ID)
	if err != nil {
		return rights.Request{}, err
	}
	switch {
	case (in.Body.Token == "") == (in.Body.Code == ""):
		return rights.Request{}, &rights.Error{Code: rights.Invalid, Detail: "Send either the token from the link or the code from the mail.", Fields: []rights.Field{{Name: "code", Detail: "Enter the 8 digits from the newest mail, or send the token instead."}}}
	case in.Body.Code != "":
		return p.ProveByCode(ctx, id, in.Body.Code)
	}
	claims, err := p.Links.Tokens.Redeem(in.Body.Token, rights.ForVerify, p.Now())
	if err == nil && claims.Request != id {
		err = &rights.Error{Code: rights.Forbidden, Detail: "This token belongs to another request. Use the link in the mail about this one."}
	}
	if err != nil {
		return rights.Request{}, err
	}
	// Whoever calls the API has the id from filing the request and the token from
	// the mail: filer and owner of the address are one.
	return p.Prove(ctx, in.Body.Token, true)
}

type resendInput struct {
	ID string `path:"id"`
}

func (p Portal) postResend(ctx context.Context, in *resendInput) (*answer[View], error) {
	id, err := rights.ParseID(in.ID)
	var r rights.Request
	if err == nil {
		r, err = p.Resend(ctx, id, clientOf(ctx))
	}
	return p.show(ctx, r, rights.HeldByFiler, err)
}

type redirect struct {
	Location     string `header:"Location"`
	CacheControl string `header:"Cache-Control"`
}

func (p Portal) getExport(ctx context.Context, in *ownInput) (*redirect, error) {
	r, held, err := p.own(ctx, *in)
	var url string
	if err == nil {
		url, err = p.Export(ctx, r, held)
	}
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	return &redirect{Location: url, CacheControl: "no-store"}, nil
}

// problem answers an error, and logs one that is our fault.
func (p Portal) problem(ctx context.Context, err error) error {
	d := problem.From(err)
	if d.Status >= http.StatusInternalServerError {
		p.Log.ErrorContext(ctx, "a call failed", "error", err)
	}
	return d
}
