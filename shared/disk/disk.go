// Package disk keeps exported files on one machine: bundle.Vault on a folder.
//
// It promises that a file appears as a whole or not at all, that what lies on the
// disk is sealed under its request's key, and that only the owner of the process
// can read the folder. It leaves to the portal who may fetch a file.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
)

// Vault is bundle.Vault on Dir.
type Vault struct {
	Dir    string
	Sealer *envelope.Sealer
	Mint   func(id rights.ID, name string, until time.Time) string // makes the address of one click
}

var _ bundle.Vault = Vault{}

func (v Vault) path(id rights.ID, name string) (string, error) {
	file := filepath.FromSlash(name)
	if !filepath.IsLocal(file) || !strings.HasPrefix(string(id), "DR-") || strings.ContainsAny(string(id), `/\`) {
		return "", fmt.Errorf("%q is no name for a file in the vault", name)
	}
	return filepath.Join(v.Dir, string(id), file), nil
}

// Create implements bundle.Vault.
func (v Vault) Create(ctx context.Context, id rights.ID, name string) (bundle.Writer, error) {
	path, err := v.path(id, name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make room in the vault: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return nil, fmt.Errorf("couldn't make a file in the vault: %w", err)
	}
	sealed, err := v.Sealer.Writer(ctx, id, file, name)
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return &writer{sealed, file, path}, nil
}

// writer seals into a temporary file that takes its name at the end.
type writer struct {
	io.WriteCloser
	file *os.File
	path string
}

// Commit gives the file its name once all of it has reached the disk.
func (w *writer) Commit() error {
	if err := errors.Join(w.WriteCloser.Close(), w.file.Sync(), w.file.Close()); err != nil {
		return errors.Join(fmt.Errorf("couldn't store a file in the vault: %w", err), os.Remove(w.file.Name()))
	}
	if err := os.Rename(w.file.Name(), w.path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(w.path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Abort leaves nothing behind.
func (w *writer) Abort() error { return errors.Join(w.file.Close(), os.Remove(w.file.Name())) }

// Open implements bundle.Vault.
func (v Vault) Open(ctx context.Context, id rights.ID, name string) (io.ReadCloser, error) {
	path, err := v.path(id, name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &rights.Error{Code: rights.NotFound, Detail: "This file is not there any more. Ask for the export again."}
	}
	if err != nil {
		return nil, err
	}
	plain, err := v.Sealer.Reader(ctx, id, file, name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, file}, nil
}

// Remove implements bundle.Vault.
func (v Vault) Remove(_ context.Context, id rights.ID, names ...string) error {
	if len(names) == 0 {
		path, err := v.path(id, ".")
		if err != nil {
			return err
		}
		return os.RemoveAll(path)
	}
	for _, name := range names {
		path, err := v.path(id, name)
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Link implements bundle.Vault.
func (v Vault) Link(_ context.Context, id rights.ID, name, _ string, until time.Time) (string, error) {
	return v.Mint(id, name, until), nil
}
