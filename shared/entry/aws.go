package entry

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// awsConfig is what Lambda's environment says, and what the SDK's own settings for
// other endpoints say (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 and so on). The SDK's
// loader would bring the clients of three sign-in services into every function,
// which a function's role never needs: a millisecond of each cold start.
func awsConfig() aws.Config {
	cfg := aws.Config{
		Region:        os.Getenv("AWS_REGION"),
		Credentials:   credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
		ConfigSources: []any{endpoints{}},
	}
	if cfg.Region == "" {
		cfg.Region = os.Getenv("AWS_DEFAULT_REGION")
	}
	if endpoint := os.Getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg
}

// endpoints answers the SDK's question for a service's own endpoint.
type endpoints struct{}

// GetServiceBaseEndpoint looks "DynamoDB" up as AWS_ENDPOINT_URL_DYNAMODB.
func (endpoints) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	value := os.Getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_")))
	return value, value != "", nil
}
