package dynamo

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rightful/rightful/shared/rights"
)

// The keys of everything in the table. What belongs to a request lies in its
// partition; what is looked for without knowing the request lies in an index,
// spread over shards so that no partition takes the writes of all.
//
//	pk              sk                  what
//	R#<request>     META                the request
//	R#<request>     PERSON              its sealed fields
//	R#<request>     EVENT#<sequence>    a ledger line
//	R#<request>     TASK#<action>.<sys> one system's share
//	R#<request>     WAVE#<wave>         its groups that are still open, and the token
//	R#<request>     WAVE#<wave>#<n>     the names of a group that are still open
//	SIGNAL#<shard>  <signal>            a pending signal
//	KEY#<hash>      KEY                 an idempotency key
//	LIMIT#<key>     LIMIT               a counter
//	PERSON#<hash>   CHOICES             what somebody wants to be mailed about
//	R#<hash>        TASK#suppress.<sys> one system's share in that
//	MASTER          MASTER              the wrapped master key
const (
	partition = "pk"
	sort      = "sk"
	expires   = "expires" // DynamoDB removes the item some time after it

	meta     = "META"
	person   = "PERSON"
	eventOf  = "EVENT#"
	taskOf   = "TASK#"
	waveOf   = "WAVE#"
	single   = "KEY"
	limitKey = "LIMIT"
)

// Index is one way to look requests or tasks up. Only items that have its
// partition key are in it, and of those only the keys: whatever else was copied
// would be written again with every move.
type Index struct {
	Name, Partition, Sort string
	Number                bool // the sort key is a number
}

// The look-ups.
var (
	byDeadline  = Index{Name: "deadline", Partition: "deadline_shard", Sort: "expected"} // of what is open, what waits for a review, what is closed
	bySubject   = Index{Name: "subject", Partition: "subject", Sort: "expected"}
	byExport    = Index{Name: "export", Partition: "export_shard", Sort: "export_at", Number: true}
	byRetention = Index{Name: "retention", Partition: "retain_shard", Sort: "retain_until", Number: true}
	byDue       = Index{Name: "due", Partition: "due_shard", Sort: "look_at", Number: true} // what is to be tried, what is to be told
)

// Schema is what a table has to be made with.
type Schema struct {
	Partition, Sort string // both text; Sort "" for none
	Expires         string // the time-to-live attribute; "" for none
	Indexes         []Index
}

// Table is the schema of the table that holds the requests, Keys of the one that
// holds their wrapped data keys.
var (
	TableSchema = Schema{partition, sort, expires, []Index{byDeadline, bySubject, byExport, byRetention, byDue}}
	KeysSchema  = Schema{Partition: partition}
)

// shards is how many partitions an index is spread over. A partition takes 1,000
// writes a second; Step Functions starts at most 300 requests a second.
const shards = 8

func shardOf(id rights.ID) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % shards)
}

func shardKey(kind string, shard int) string { return fmt.Sprintf("%s#%d", kind, shard) }

func requestKey(id rights.ID) string { return "R#" + string(id) }

func idOf(partition string) rights.ID { return rights.ID(strings.TrimPrefix(partition, "R#")) }

func eventKey(seq int64) string { return fmt.Sprintf("%s%06d", eventOf, seq) }

func taskKey(id rights.TaskID) string {
	return taskOf + strings.TrimPrefix(string(id), string(id.Request())+".")
}

func taskID(id rights.ID, key string) rights.TaskID {
	return rights.TaskID(string(id) + "." + strings.TrimPrefix(key, taskOf))
}

func waveKey(key string) string { return waveOf + key }

func groupKey(key string, group int) string { return fmt.Sprintf("%s%s#%d", waveOf, key, group) }

// signalPartition spreads signals by the request that their keys begin with.
func signalPartition(key string) string {
	id, _, _ := strings.Cut(key, ".")
	return shardKey("SIGNAL", shardOf(rights.ID(id)))
}

// expected is the order of lists: the nearest deadline first.
func expected(r rights.Request) string { return deadline(r.ExpectedBy.Unix()) + "#" + string(r.ID) }

func deadline(seconds int64) string { return fmt.Sprintf("%012d", seconds) }

type item = map[string]types.AttributeValue

func key(pk, sk string) item { return item{partition: text(pk), sort: text(sk)} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

func blob(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func names(all ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }
