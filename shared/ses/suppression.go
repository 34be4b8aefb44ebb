package ses

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// Suppression is the account's own list in a region, of whom SES doesn't mail.
type Suppression struct{ Client *sesv2.Client }

// Since hands on what came to the list since a time.
func (s Suppression) Since(ctx context.Context, since time.Time, take func(address string, complained bool, at time.Time) error) error {
	pages := sesv2.NewListSuppressedDestinationsPaginator(s.Client, &sesv2.ListSuppressedDestinationsInput{StartDate: &since, PageSize: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("couldn't read SES's suppression list: %w", err)
		}
		for _, d := range page.SuppressedDestinationSummaries {
			if err := take(aws.ToString(d.EmailAddress), d.Reason == types.SuppressionListReasonComplaint, aws.ToTime(d.LastUpdateTime)); err != nil {
				return err
			}
		}
	}
	return nil
}
