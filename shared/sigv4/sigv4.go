// Package sigv4 signs the calls of definitions that name a service of AWS: it is
// connector.Signer with the process's own credentials.
package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Signer signs for the configuration's region.
func Signer(cfg aws.Config) func(r *http.Request, body []byte, service string, at time.Time) error {
	return func(r *http.Request, body []byte, service string, at time.Time) error {
		credentials, err := cfg.Credentials.Retrieve(r.Context())
		if err != nil {
			return fmt.Errorf("there are no credentials: %w", err)
		}
		sum := sha256.Sum256(body)
		return v4.NewSigner().SignHTTP(r.Context(), credentials, r, hex.EncodeToString(sum[:]), service, cfg.Region, at)
	}
}
