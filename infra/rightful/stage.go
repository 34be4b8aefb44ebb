package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// stage is a deployed stage, as its stacks' outputs describe it.
type stage struct {
	name    string
	cfg     aws.Config
	outputs map[string]string // by their names in infra/cdk
}

// openStage reads the outputs of a stage's two stacks.
func openStage(ctx context.Context, name string) (stage, error) {
	cfg, err := awsConfig(ctx)
	if err != nil {
		return stage{}, err
	}
	s := stage{name: name, cfg: cfg, outputs: map[string]string{}}
	for _, stack := range []string{"rightful-" + name + "-data", "rightful-" + name} {
		out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
		if err != nil || len(out.Stacks) != 1 {
			return s, exitError{exitNotFound, fmt.Errorf("couldn't find the stack %s in %s: deploy it with make deploy STAGE=%s, or set AWS_REGION and AWS_PROFILE to where it is (%w)", stack, cfg.Region, name, err)}
		}
		for _, o := range out.Stacks[0].Outputs {
			s.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
	}
	if s.outputs["OutApi"] == "" || s.outputs["OutTable"] == "" {
		return s, fmt.Errorf("the stacks of %s lack outputs: deploy them again with this version", name)
	}
	return s, nil
}

// sign signs a call to the operator's API with the operator's AWS credentials. body
// is what the call carries.
func sign(ctx context.Context, cfg aws.Config, r *http.Request, body []byte, now time.Time) error {
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return exitError{exitDenied, errors.New("there are no AWS credentials: sign in, or set AWS_PROFILE")}
	}
	sum := sha256.Sum256(body)
	r.Body, r.ContentLength = http.NoBody, 0
	if len(body) > 0 {
		r.Body, r.ContentLength = nopCloser{bytes.NewReader(body)}, int64(len(body))
	}
	return v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "execute-api", cfg.Region, now)
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }
