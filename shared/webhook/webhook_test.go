package webhook_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rightful/rightful/shared/webhook"
)

// The standard's own example (standard-webhooks, libraries/go/webhook_test.go).
const secret, id, signature = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

var (
	body = []byte(`{"test": 2432232314}`)
	at   = time.Unix(1614265330, 0)
)

func TestStandardsExample(t *testing.T) {
	t.Parallel()
	h, err := webhook.Sign(secret, id, at, body)
	if err != nil || h.Get("webhook-signature") != signature || h.Get("webhook-id") != id || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("%v, %v", h, err)
	}
	h.Set("webhook-signature", "v1a,other v1,bm90IHRoaXM= "+signature)
	if err := webhook.Verify(secret, h, body, at.Add(5*time.Minute)); err != nil {
		t.Error(err)
	}
}

func TestVerify_Refuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(http.Header){
		"another id":     func(h http.Header) { h.Set("webhook-id", "msg_2") },
		"another time":   func(h http.Header) { h.Set("webhook-timestamp", "1614265331") },
		"no time":        func(h http.Header) { h.Del("webhook-timestamp") },
		"no signature":   func(h http.Header) { h.Del("webhook-signature") },
		"another scheme": func(h http.Header) { h.Set("webhook-signature", "v2"+signature[2:]) },
	} {
		h, err := webhook.Sign(secret, id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		change(h)
		if err := webhook.Verify(secret, h, body, at); !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h, _ := webhook.Sign(secret, id, at, body)
	for name, err := range map[string]error{
		"another body":      webhook.Verify(secret, h, append([]byte(" "), body...), at),
		"too old":           webhook.Verify(secret, h, body, at.Add(5*time.Minute+time.Second)),
		"from the future":   webhook.Verify(secret, h, body, at.Add(-6*time.Minute)),
		"another secret":    webhook.Verify("whsec_MDEyMzQ1Njc4OWFiY2RlZg==", h, body, at),
		"a secret of words": webhook.Verify("secret", h, body, at),
	} {
		if !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
