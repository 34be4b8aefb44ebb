package asl

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/recolabs/gnata"
)

// functions are those that Step Functions adds to JSONata, and the standard ones
// that read the clock or chance: both come from outside.
type functions struct {
	now    func() time.Time
	chance *chance
}

const maxItems = 100_000 // what one function may make

func (f functions) table() map[string]gnata.CustomFunc {
	return map[string]gnata.CustomFunc{
		"uuid": f.uuid, "random": f.rand, "hash": hashed, "partition": partition, "range": span, "parse": parseJSON,
		"now": f.nowText, "millis": f.millis, "eval": noEval,
	}
}

// chance hands out random bytes, one reader at a time.
type chance struct {
	mu    sync.Mutex
	from  io.Reader
	fatal func(error)
}

func (c *chance) fill(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.ReadFull(c.from, b); err != nil {
		c.fatal(fmt.Errorf("couldn't read random bytes: %w", err))
	}
}

// float is at least 0 and less than 1.
func (c *chance) float() float64 {
	var b [8]byte
	c.fill(b[:])
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

func argument(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case json.Number:
		x, err := n.Float64()
		return x, err == nil
	case int:
		return float64(n), true
	}
	return 0, false
}

func (f functions) uuid([]any, any) (any, error) {
	var b [16]byte
	f.chance.fill(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// rand takes an optional seed, with which it is the same every time.
func (f functions) rand(args []any, _ any) (any, error) {
	if seed, ok := number(argument(args, 0)); ok {
		return rand.New(rand.NewPCG(math.Float64bits(seed), 0)).Float64(), nil
	}
	return f.chance.float(), nil
}

func hashed(args []any, _ any) (any, error) {
	text, ok := argument(args, 0).(string)
	if !ok {
		return nil, fmt.Errorf("T0410: Argument 1 of function \"hash\" does not match function signature")
	}
	makers := map[any]func() hash.Hash{"MD5": md5.New, "SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New}
	maker, ok := makers[argument(args, 1)]
	if !ok {
		return nil, fmt.Errorf("the algorithm of $hash must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512")
	}
	h := maker()
	io.WriteString(h, text)
	return hex.EncodeToString(h.Sum(nil)), nil
}

func partition(args []any, _ any) (any, error) {
	if argument(args, 0) == nil {
		return nil, nil
	}
	list, ok := args[0].([]any)
	if !ok {
		list = []any{args[0]}
	}
	size, ok := number(argument(args, 1))
	if !ok || size <= 0 || size != math.Trunc(size) {
		return nil, fmt.Errorf("the chunk size of $partition must be a positive whole number")
	}
	parts := []any{}
	for n := int(size); len(list) > 0; {
		cut := min(n, len(list))
		parts, list = append(parts, append([]any{}, list[:cut]...)), list[cut:]
	}
	return parts, nil
}

// span is $range: both ends included, and a single value is itself, not a list.
func span(args []any, _ any) (any, error) {
	first, ok1 := number(argument(args, 0))
	last, ok2 := number(argument(args, 1))
	step, ok3 := number(argument(args, 2))
	if !ok1 || !ok2 || !ok3 || step == 0 {
		return nil, fmt.Errorf("$range needs a first, a last and a step that isn't 0")
	}
	if (last-first)/step > maxItems {
		return nil, fmt.Errorf("$range would make more than %d items", maxItems)
	}
	items := []any{}
	for v := first; step > 0 && v <= last || step < 0 && v >= last; v += step {
		items = append(items, v)
	}
	if len(items) == 1 {
		return items[0], nil
	}
	return items, nil
}

func parseJSON(args []any, _ any) (any, error) {
	if argument(args, 0) == nil {
		return nil, nil
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("T0410: Argument 1 of function \"parse\" does not match function signature")
	}
	value, err := gnata.DecodeJSON(json.RawMessage(text))
	if err != nil {
		return nil, fmt.Errorf("$parse was given text that is not JSON")
	}
	if n, ok := number(value); ok && n == 0 {
		return 0.0, nil
	}
	return value, nil
}

// picture writes a time the way the arguments of $now ask for.
var picture = map[int]*gnata.Expression{1: must("$fromMillis($at, $picture)"), 2: must("$fromMillis($at, $picture, $zone)")}

func must(source string) *gnata.Expression {
	expr, err := gnata.Compile(source)
	if err != nil {
		panic("a built-in expression can't be read: " + err.Error())
	}
	return expr
}

func (f functions) nowText(args []any, _ any) (any, error) {
	if expr := picture[len(args)]; expr != nil {
		return expr.EvalWithVars(context.Background(), nil, map[string]any{"at": float64(f.now().UnixMilli()), "picture": args[0], "zone": argument(args, 1)})
	}
	return f.now().UTC().Format(timeFormat), nil
}

func (f functions) millis([]any, any) (any, error) { return float64(f.now().UnixMilli()), nil }

func noEval([]any, any) (any, error) {
	return nil, fmt.Errorf("T1006: Attempted to invoke a non-function")
}

const timeFormat = "2006-01-02T15:04:05.000Z"
