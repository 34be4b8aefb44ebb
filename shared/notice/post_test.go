package notice_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/notice"
	"github.com/rightful/rightful/shared/rights"
)

// cabinet opens the sealed fields of one request; nothing else is asked of it.
type cabinet struct {
	rights.Requests
	personal rights.Personal
	err      error
}

func (c cabinet) Personal(context.Context, rights.ID) (rights.Personal, error) {
	return c.personal, c.err
}

// outTray keeps what was sent, or refuses it.
type outTray struct {
	sent []notice.Message
	err  error
}

func (o *outTray) Send(_ context.Context, m notice.Message) error {
	o.sent = append(o.sent, m)
	return o.err
}

func post(personal rights.Personal) (notice.Post, *outTray) {
	tray := &outTray{}
	return notice.Post{
		Store: cabinet{personal: personal}, Sender: tray, From: from, Policy: rights.DefaultPolicy(),
		Links: rights.Links{Base: "https://privacy.example.com", Tokens: rights.Tokens{Key: []byte(strings.Repeat("k", 32))}, Life: 400 * 24 * time.Hour},
	}, tray
}

func stored() rights.Request {
	return rights.Request{
		ID: "DR-7K4M-29QX-H3WT", Right: rights.Access, Regime: "eu_gdpr", Status: rights.InProgress, Reason: rights.NeedsProof,
		ReceivedAt: at(time.March, 14), ExpectedBy: at(time.April, 14), Proof: rights.Challenge{Serial: 3, ExpiresAt: at(time.March, 21)},
	}
}

var ada = rights.Personal{Subject: rights.Subject{Email: "ada@example.org", Name: "Ada Example"}}

func TestPost_ProofLetterOpensTheRequest(t *testing.T) {
	t.Parallel()
	p, tray := post(ada)
	r := stored()
	if err := p.Send(t.Context(), r, notice.Acknowledged, nil); err != nil {
		t.Fatal(err)
	}
	m := tray.sent[0]
	_, rest, _ := strings.Cut(m.Text, "https://privacy.example.com/verify/")
	token, rest, _ := strings.Cut(rest, "\n")
	claims, err := p.Links.Tokens.Redeem(token, rights.ForVerify, at(time.March, 20))
	if err != nil || claims.Request != r.ID || claims.Serial != 3 {
		t.Errorf("the link proves %s of mail %d: %v", claims.Request, claims.Serial, err)
	}
	_, rest, _ = strings.Cut(rest, "made the request:\n\n")
	code, rest, _ := strings.Cut(rest, "\n")
	if !p.Links.Tokens.SameCode(r.ID, 3, code) {
		t.Errorf("the code %q doesn't prove the address", code)
	}
	_, rest, _ = strings.Cut(rest, "https://privacy.example.com/requests/")
	status, _, _ := strings.Cut(rest, "\n")
	if claims, err := p.Links.Tokens.Redeem(status, rights.ForStatus, at(time.March, 20)); err != nil || claims.Serial != rights.HeldByMail {
		t.Errorf("the status link isn't the mail's own: %v", err)
	}
	if m.To.Address != "ada@example.org" || m.Request != r.ID {
		t.Errorf("the letter about %s goes elsewhere", m.Request)
	}
}

func TestPost_UnprovenAddressGetsNoStrangersWords(t *testing.T) {
	t.Parallel()
	p, tray := post(ada)
	r := stored()
	for _, kind := range []notice.Kind{notice.Acknowledged, notice.ProofResent} {
		if err := p.Send(t.Context(), r, kind, nil); err != nil {
			t.Fatal(err)
		}
	}
	r.Reason, r.ProvenAt = rights.NoReason, at(time.March, 15)
	if err := p.Send(t.Context(), r, notice.Finished, nil); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Hello,\n", "Hello,\n", "Hello Ada Example,\n"} {
		if !strings.HasPrefix(tray.sent[i].Text, want) {
			t.Errorf("letter %d doesn't begin with %q", i, want)
		}
	}
}

func TestPost_NamelessPersonIsGreeted(t *testing.T) {
	t.Parallel()
	p, tray := post(rights.Personal{Subject: rights.Subject{Email: "ada@example.org"}})
	r := stored()
	r.Reason, r.ProvenAt = rights.NoReason, at(time.March, 15)
	if err := p.Send(t.Context(), r, notice.Finished, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(tray.sent[0].Text, "Hello,\n") {
		t.Error("a person without a name isn't greeted")
	}
}

func TestPost_ExportNamesItsEnd(t *testing.T) {
	t.Parallel()
	p, tray := post(ada)
	r := stored()
	r.Status, r.Reason, r.ProvenAt, r.Export, r.ExportAt = rights.Fulfilled, rights.NoReason, at(time.March, 15), "export.zip", at(time.March, 16)
	if err := p.Send(t.Context(), r, notice.Finished, nil); err != nil {
		t.Fatal(err)
	}
	if want := "until 30 March 2026 at 09:30 UTC"; !strings.Contains(tray.sent[0].Text, want) {
		t.Errorf("the letter lacks %q", want)
	}
}

func TestPost_RefusalBringsTheOperatorsWords(t *testing.T) {
	t.Parallel()
	p, tray := post(rights.Personal{Subject: ada.Subject, Explanation: "A court case is open."})
	r := stored()
	r.Status, r.Reason = rights.Refused, rights.OtherGround
	if err := p.Send(t.Context(), r, notice.Refused, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(tray.sent[0].Text, "> A court case is open.\n") {
		t.Error("the letter lacks the explanation")
	}
}

func TestPost_FailuresAreTold(t *testing.T) {
	t.Parallel()
	gone := &rights.Error{Code: rights.NotFound}
	p, tray := post(ada)
	p.Store = cabinet{err: gone}
	if err := p.Send(t.Context(), stored(), notice.Acknowledged, nil); !errors.Is(err, gone) || len(tray.sent) > 0 {
		t.Errorf("an erased request: %v, %d letters", err, len(tray.sent))
	}
	p, tray = post(ada)
	tray.err = errors.New("the server is down")
	if err := p.Send(t.Context(), stored(), notice.Acknowledged, nil); !errors.Is(err, tray.err) || strings.Contains(err.Error(), "@") {
		t.Errorf("a refused mail: %v", err)
	}
}
