// Package ssm reads the systems' secrets and variables in the cloud: parameters
// below one path of Parameter Store, SecureString where they are secret.
//
// It promises that nothing is written anywhere else. It leaves to IAM who may read
// the path, and to connector what a secret is for.
package ssm

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Parameters returns every parameter below path by the rest of its name:
// "/rightful/prod/systems/CRM_TOKEN" is "CRM_TOKEN".
func Parameters(ctx context.Context, client *ssm.Client, path string) (map[string]string, error) {
	all := map[string]string{}
	pages := ssm.NewGetParametersByPathPaginator(client, &ssm.GetParametersByPathInput{Path: &path, WithDecryption: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("couldn't read the systems' secrets below %s: %w", path, err)
		}
		for _, p := range page.Parameters {
			all[strings.TrimPrefix(aws.ToString(p.Name), strings.TrimSuffix(path, "/")+"/")] = aws.ToString(p.Value)
		}
	}
	return all, nil
}
