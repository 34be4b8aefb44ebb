// Package eventbridge publishes events in the cloud: onward.Events on an EventBridge
// bus.
//
// It promises that an event which the bus refused is an error, so that it comes again.
// It leaves to its listeners to know an event that they had, by its id.
package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/rightful/rightful/shared/cloudevent"
)

// Bus is onward.Events.
type Bus struct {
	Client *eventbridge.Client
	Name   string
}

// atOnce is how many events one call takes.
const atOnce = 10

// Publish implements onward.Events. The detail is the whole CloudEvent; its type is the
// detail-type, for rules to match on.
func (b Bus) Publish(ctx context.Context, events ...cloudevent.Event) error {
	for batch := range slices.Chunk(events, atOnce) {
		var entries []types.PutEventsRequestEntry
		for _, e := range batch {
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			entries = append(entries, types.PutEventsRequestEntry{
				EventBusName: &b.Name, Source: aws.String(e.Source), DetailType: aws.String(e.Type), Detail: aws.String(string(text)), Time: &e.Time,
			})
		}
		out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return fmt.Errorf("couldn't publish events: %w", err)
		}
		if out.FailedEntryCount > 0 {
			return fmt.Errorf("the bus took %d of %d events", len(entries)-int(out.FailedEntryCount), len(entries))
		}
	}
	return nil
}
