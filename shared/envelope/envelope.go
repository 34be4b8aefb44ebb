// Package envelope seals personal data: a data key for each request, wrapped by
// one master key.
//
// It promises that what was sealed for one request and purpose opens for no other,
// that a changed bit never opens, and that destroying a request's key destroys
// what was sealed under it, wherever copies lie. Look-ups go by keyed hashes that
// nobody can make without the master key.
//
// It leaves to Keys where the wrapped keys lie, which has to be apart from what
// they open.
package envelope

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/streamingaead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rightful/rightful/shared/rights"
)

// Keys is the table of wrapped data keys. It lies apart from the data, in a store
// whose own backups reach back only a few days. It has two implementations,
// sqlite and dynamo.
type Keys interface {
	// Put stores a request's wrapped key unless it has one, and returns the stored.
	Put(ctx context.Context, id rights.ID, wrapped []byte) ([]byte, error)

	// Get returns the wrapped key; NotFound where it was destroyed or never made.
	Get(ctx context.Context, id rights.ID) ([]byte, error)

	// Destroy forgets the key. Destroying twice is done.
	Destroy(ctx context.Context, id rights.ID) error
}

// Sealer seals and opens what belongs to requests. Use it by pointer.
type Sealer struct {
	Master *Master
	Keys   Keys

	mu   sync.Mutex
	open map[rights.ID]*dataKey
}

// dataKey is a request's key, unwrapped: for small texts and for streams.
type dataKey struct {
	small  tink.AEAD
	stream tink.StreamingAEAD
}

// maxOpen is how many unwrapped keys stay in memory.
const maxOpen = 1000

// Seal seals plaintext for a request. bound says what it is; the same word opens it.
func (s *Sealer) Seal(ctx context.Context, id rights.ID, plaintext []byte, bound string) ([]byte, error) {
	key, err := s.key(ctx, id, true)
	if err != nil {
		return nil, err
	}
	return key.small.Encrypt(plaintext, associated(id, bound))
}

// Open opens what Seal sealed; NotFound where the request's key was destroyed.
func (s *Sealer) Open(ctx context.Context, id rights.ID, sealed []byte, bound string) ([]byte, error) {
	key, err := s.key(ctx, id, false)
	if err != nil {
		return nil, err
	}
	plaintext, err := key.small.Decrypt(sealed, associated(id, bound))
	if err != nil {
		return nil, fmt.Errorf("couldn't open sealed %s of %s: it was changed, or belongs elsewhere", bound, id)
	}
	return plaintext, nil
}

// Writer seals a stream into w. Nothing opens before the writer is closed.
func (s *Sealer) Writer(ctx context.Context, id rights.ID, w io.Writer, bound string) (io.WriteCloser, error) {
	key, err := s.key(ctx, id, true)
	if err != nil {
		return nil, err
	}
	return key.stream.NewEncryptingWriter(w, associated(id, bound))
}

// Reader opens a stream that Writer sealed. A changed or cut stream is an error
// from Read, never a shorter text.
func (s *Sealer) Reader(ctx context.Context, id rights.ID, r io.Reader, bound string) (io.Reader, error) {
	key, err := s.key(ctx, id, false)
	if err != nil {
		return nil, err
	}
	return key.stream.NewDecryptingReader(r, associated(id, bound))
}

// Destroy destroys the request's key and with it all that was sealed under it.
func (s *Sealer) Destroy(ctx context.Context, id rights.ID) error {
	// Under the lock, so that nobody opens the key again before it is gone.
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
	return s.Keys.Destroy(ctx, id)
}

func associated(id rights.ID, bound string) []byte { return []byte(string(id) + "\x00" + bound) }

// key unwraps a request's key, and makes one where make allows it.
func (s *Sealer) key(ctx context.Context, id rights.ID, make bool) (*dataKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := s.open[id]; key != nil {
		return key, nil
	}
	wrapped, err := s.Keys.Get(ctx, id)
	if rights.CodeOf(err) == rights.NotFound && make {
		if wrapped, err = s.newKey(id); err == nil {
			// Two may race here: both go on with the one that was stored first.
			wrapped, err = s.Keys.Put(ctx, id, wrapped)
		}
	}
	if err != nil {
		return nil, err
	}
	key, err := s.unwrap(id, wrapped)
	if err != nil {
		return nil, err
	}
	if s.open == nil || len(s.open) >= maxOpen {
		s.open = map[rights.ID]*dataKey{}
	}
	s.open[id] = key
	return key, nil
}

// newKey makes a wrapped pair: one key for texts, one for streams.
func (s *Sealer) newKey(id rights.ID) ([]byte, error) {
	var out bytes.Buffer
	for i, template := range keyTemplates {
		handle, err := keyset.NewHandle(template())
		if err != nil {
			return nil, fmt.Errorf("couldn't make a data key: %w", err)
		}
		var one bytes.Buffer
		if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&one), s.Master.wrap, associated(id, fmt.Sprint("key", i))); err != nil {
			return nil, fmt.Errorf("couldn't wrap a data key: %w", err)
		}
		out.Write([]byte{byte(one.Len() >> 8), byte(one.Len())})
		out.Write(one.Bytes())
	}
	return out.Bytes(), nil
}

func (s *Sealer) unwrap(id rights.ID, wrapped []byte) (*dataKey, error) {
	var handles []*keyset.Handle
	for i := range keyTemplates {
		if len(wrapped) < 2 || len(wrapped) < 2+int(wrapped[0])<<8+int(wrapped[1]) {
			return nil, errors.New("a wrapped data key is cut short")
		}
		size := int(wrapped[0])<<8 + int(wrapped[1])
		handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped[2:2+size])), s.Master.wrap, associated(id, fmt.Sprint("key", i)))
		if err != nil {
			return nil, errors.New("a data key can't be unwrapped: is this the key file that belongs to the data?")
		}
		handles, wrapped = append(handles, handle), wrapped[2+size:]
	}
	small, err1 := aead.New(handles[0])
	stream, err2 := streamingaead.New(handles[1])
	return &dataKey{small, stream}, errors.Join(err1, err2)
}
