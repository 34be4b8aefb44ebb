package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// account is an AWS account with one stage, as the operator's commands ask for it.
type account struct {
	server  *httptest.Server
	missing bool   // everything that a stage needs lacks
	signed  string // the Authorization of the last operator's call
	body    string
}

func newAccount(t *testing.T) *account {
	a := &account{}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": a.server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CA_BUNDLE": ""} {
		t.Setenv(name, value)
	}
	return a
}

// either is what the account says where all is well, or where it isn't.
func (a *account) either(well, missing string) string {
	if a.missing {
		return missing
	}
	return well
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	body, target := string(text), r.Header.Get("X-Amz-Target")
	say := func(text string) { fmt.Fprint(w, text) }
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/operator/"):
		a.signed, a.body = r.Header.Get("Authorization"), body
		say(`{"requests":[]}`)
	case r.URL.Path == "/healthz":
		if a.missing {
			w.WriteHeader(http.StatusBadGateway)
		}
	case strings.Contains(body, "StackName=rightful-test"):
		outputs := ""
		for name, value := range map[string]string{"OutApi": a.server.URL, "OutUrl": a.server.URL, "OutIdentity": "privacy.example.com", "OutTable": "table", "OutMasterKey": "key", "OutAlarms": "arn:aws:sns:eu-central-1:000000000000:alarms", "OutStateMachine": "arn:aws:states:eu-central-1:000000000000:stateMachine:rightful-test"} {
			outputs += "<member><OutputKey>" + name + "</OutputKey><OutputValue>" + value + "</OutputValue></member>"
		}
		say("<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>rightful-test</StackName><CreationTime>2026-03-02T09:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>" + outputs + "</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>")
	case strings.Contains(body, "Action=ListSubscriptionsByTopic"):
		say("<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions><member><SubscriptionArn>" + a.either("arn:aws:sns:one", "PendingConfirmation") + "</SubscriptionArn></member></Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>")
	case strings.HasSuffix(target, "DescribeStateMachine"):
		say(`{"status":"` + a.either("ACTIVE", "DELETING") + `"}`)
	case strings.HasSuffix(target, "DescribeTable"):
		say(`{"Table":{"DeletionProtectionEnabled":true}}`)
	case strings.HasSuffix(target, "DescribeContinuousBackups"):
		say(`{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"` + a.either("ENABLED", "DISABLED") + `"}}}`)
	case strings.HasSuffix(target, "DescribeKey"):
		say(`{"KeyMetadata":{"KeyId":"key","KeyState":"` + a.either("Enabled", "PendingDeletion") + `"}}`)
	case r.URL.Path == "/v2/email/account":
		say(a.either(`{"ProductionAccessEnabled":true,"SendingEnabled":true}`, `{"ProductionAccessEnabled":false}`))
	case strings.HasPrefix(r.URL.Path, "/v2/email/identities/"):
		say(`{"VerifiedForSendingStatus":` + a.either("true", "false") + `}`)
	default:
		w.WriteHeader(http.StatusBadRequest)
		say("<ErrorResponse><Error><Code>ValidationError</Code><Message>there is no such stack</Message></Error></ErrorResponse>")
	}
}

func rightful(args ...string) (int, string, string) {
	var out, errs bytes.Buffer
	status := run(args, &out, &errs)
	return status, out.String(), errs.String()
}

// TestStage_SignsCalls: an operator's call to a stage carries a signature of its body
// by the operator's own credentials, and no token.
func TestStage_SignsCalls(t *testing.T) {
	a := newAccount(t)
	if status, _, errs := rightful("requests", "--stage", "test", "list"); status != 0 {
		t.Fatalf("%d: %s", status, errs)
	}
	if !strings.HasPrefix(a.signed, "AWS4-HMAC-SHA256 Credential=key/") || !strings.Contains(a.signed, "/eu-central-1/execute-api/") {
		t.Errorf("the call is signed by %q", a.signed)
	}
	rightful("requests", "--stage", "test", "skip", "DR-7K4M-29QX-H3WT", "crm", "--reason", "it is gone")
	if !strings.Contains(a.body, "it is gone") {
		t.Errorf("the body is %q", a.body)
	}
	if status, _, errs := rightful("requests", "--stage", "other", "list"); status != exitNotFound || !strings.Contains(errs, "make deploy STAGE=other") {
		t.Errorf("%d: %s", status, errs)
	}
}

// TestStage_Keys: a sender's key comes from the stage, by a signed call.
func TestStage_Keys(t *testing.T) {
	a := newAccount(t)
	status, out, errs := rightful("links", "keys", "--stage", "test")
	if status != 0 || out != "{\"requests\":[]}\n" || !strings.HasPrefix(a.signed, "AWS4-HMAC-SHA256 Credential=key/") {
		t.Errorf("%d: %s%s, signed %q", status, out, errs, a.signed)
	}
}

// TestDoctor: a whole stage is ready; of a broken one each lack is named with what to
// do.
func TestDoctor(t *testing.T) {
	a := newAccount(t)
	if status, out, errs := rightful("doctor", "--stage", "test"); status != 0 || strings.Count(out, "ok  ") != len(checks) || !strings.Contains(out, "ready") {
		t.Errorf("%d: %s%s", status, out, errs)
	}
	a.missing = true
	status, out, _ := rightful("doctor", "--stage", "test")
	if status != exitFailed || strings.Count(out, "MISSING") != len(checks) {
		t.Errorf("%d: %s", status, out)
	}
	for _, advice := range []string{"Dkim1", "production access", "ALARMS=", "cancel its deletion", "make deploy", "log of the function Portal"} {
		if !strings.Contains(out, advice) {
			t.Errorf("nothing says %q:\n%s", advice, out)
		}
	}
}
