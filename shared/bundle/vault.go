// Package bundle packs what the systems exported into one archive that a person
// can read and a machine can, too.
//
// It promises an index page in plain words first, then every record as JSON and
// CSV, with sums and a Data Package descriptor; that nothing foreign runs in the
// page, the file names or a spreadsheet; and that memory stays flat however large
// the export is.
//
// It leaves to Vault where files lie, and to the portal who may fetch them.
package bundle

import (
	"context"
	"io"
	"time"

	"github.com/rightful/rightful/shared/rights"
)

// Vault keeps exported files, sealed under the request's key. It has two
// implementations, disk and s3. Errors are NotFound, and everything else may be
// tried again.
type Vault interface {
	// Create starts a file. It replaces what has the name as a whole when Commit
	// returns; a crash before leaves nothing that can be opened.
	Create(ctx context.Context, id rights.ID, name string) (Writer, error)

	// Open reads a file from its start.
	Open(ctx context.Context, id rights.ID, name string) (io.ReadCloser, error)

	// Remove removes files, all of the request's where none is named. Removing what
	// isn't there is done.
	Remove(ctx context.Context, id rights.ID, names ...string) error

	// Link makes an address under which a browser gets the file as filename, until
	// then.
	Link(ctx context.Context, id rights.ID, name, filename string, until time.Time) (string, error)
}

// Writer is a file that isn't there yet. End it by Commit or Abort, once.
type Writer interface {
	io.Writer
	Commit() error
	Abort() error
}
