package dynamo

import (
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// DueNow are the values of a query for what of a request is due.
func DueNow(id rights.ID, now time.Time) item {
	return item{":s": text(shardKey("DUE", shardOf(id))), ":now": number(now.Unix())}
}
