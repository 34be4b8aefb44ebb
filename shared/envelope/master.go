package envelope

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/streamingaead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var keyTemplates = []func() *tinkpb.KeyTemplate{aead.AES256GCMKeyTemplate, streamingaead.AES256GCMHKDF1MBKeyTemplate}

// Master wraps data keys and makes keyed hashes. It is a key file on one machine; in
// the cloud its text lies wrapped by a key that never leaves its service, and is
// unwrapped once for each process.
type Master struct {
	wrap tink.AEAD
	prf  *prf.Set
}

// OpenFile reads the master key at path and makes one on the first start, for its
// owner's eyes alone. Whoever loses this file loses every sealed field; whoever
// copies it can read them.
func OpenFile(path string) (*Master, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = createFile(path); err != nil {
			return nil, fmt.Errorf("couldn't make the key file %s: %w", path, err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("couldn't read the key file %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others can read the key file: run chmod 600 %s, and think of who may have copied it", path)
	}
	m, err := ReadMaster(text)
	if err != nil {
		return nil, fmt.Errorf("the key file %s is broken (%w): put it back from your copy; a new one can't open what is stored", path, err)
	}
	return m, nil
}

// createFile makes the file under another name first: a crash leaves a whole key
// or none.
func createFile(path string) ([]byte, error) {
	text, err := MakeMaster()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err1 := file.Write(text)
	if err := errors.Join(err1, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	// Link, not rename: of two that start at once the second doesn't replace the key
	// of the first.
	if err := os.Link(file.Name(), path); err != nil {
		return nil, err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return text, errors.Join(folder.Sync(), folder.Close())
}

// MakeMaster makes the text of a new master key. Whoever holds it can read all that
// is sealed: keep it wrapped, or for its owner's eyes alone.
func MakeMaster() ([]byte, error) {
	var text bytes.Buffer
	for _, template := range []func() *tinkpb.KeyTemplate{aead.AES256GCMKeyTemplate, prf.HMACSHA256PRFKeyTemplate} {
		handle, err := keyset.NewHandle(template())
		if err != nil {
			return nil, err
		}
		if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
			return nil, err
		}
		text.WriteByte('\n')
	}
	return text.Bytes(), nil
}

// ReadMaster reads what MakeMaster made.
func ReadMaster(text []byte) (*Master, error) {
	lines := bytes.SplitN(bytes.TrimSpace(text), []byte("\n{"), 2)
	if len(lines) != 2 {
		return nil, errors.New("it doesn't hold two key sets")
	}
	wrapping, err1 := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(lines[0])))
	hashing, err2 := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(append([]byte("{"), lines[1]...))))
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.New("it doesn't hold key sets")
	}
	wrap, err1 := aead.New(wrapping)
	set, err2 := prf.NewPRFSet(hashing)
	return &Master{wrap, set}, errors.Join(err1, err2)
}

// SigningKey is 32 bytes for one purpose, the same at every start.
func (m *Master) SigningKey(purpose string) []byte { return m.compute("signing", purpose) }

// Fingerprint is a keyed hash of a value of one kind, as URL-safe text.
func (m *Master) Fingerprint(kind, value string) string {
	return base64.RawURLEncoding.EncodeToString(m.compute("fingerprint."+kind, value))
}

func (m *Master) compute(kind, value string) []byte {
	sum, err := m.prf.ComputePrimaryPRF([]byte(kind+"\x00"+value), 32)
	if err != nil {
		panic("a keyed hash of 32 bytes can't be made: " + err.Error())
	}
	return sum
}
