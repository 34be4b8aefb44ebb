package step

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
)

// Bundle packs what the systems exported into one archive that a person can read.
//
// GDPR Art. 15(3), Art. 12(1): a copy, in a concise and intelligible form; Art.
// 20(1): structured, commonly used and machine-readable.
type Bundle struct {
	Store   rights.Store
	Systems []connector.System
	Vault   bundle.Vault
	Policy  rights.Policy
	Now     func() time.Time
}

// ExportName is the archive's name in the vault.
const ExportName = "export.zip"

// Do packs.
func (s Bundle) Do(ctx context.Context, in In) (Out, error) {
	r, err := going(ctx, s.Store, in.Request)
	if err != nil {
		return Out{}, err
	}
	tasks, err := s.Store.TasksOf(ctx, r.ID)
	if err != nil {
		return Out{}, err
	}
	if !r.ExportAt.IsZero() {
		return Out{}, s.dropParts(ctx, r.ID, tasks)
	}
	now := s.Now().UTC().Truncate(time.Second)
	if err := s.pack(ctx, r, tasks, now); err != nil {
		return Out{}, err
	}
	// A crash here packs once more and replaces the archive as a whole.
	if r, err = r.Back(); err != nil {
		return Out{}, err
	}
	r.Export, r.ExportAt, r.Wait = ExportName, now, rights.Wait{}
	line := r.Record(now, rights.ByRightful, rights.Packed, nil)
	if _, err := s.Store.Move(ctx, r, rights.Change{Events: []rights.Event{line}}); err != nil {
		return Out{}, err
	}
	return Out{}, s.dropParts(ctx, r.ID, tasks)
}

func (s Bundle) pack(ctx context.Context, r rights.Request, tasks []rights.Task, now time.Time) error {
	b := bundle.Bundle{Request: r.ID, Right: r.Right, Company: s.Policy.Company, ReceivedAt: r.ReceivedAt, MadeAt: now}
	for _, t := range tasks {
		if t.Action == rights.Export || t.Action == rights.Manual {
			b.Systems = append(b.Systems, s.share(ctx, t))
		}
	}
	file, err := s.Vault.Create(ctx, r.ID, ExportName)
	if err != nil {
		return fmt.Errorf("couldn't open the vault: %w", err)
	}
	if _, err := bundle.Write(ctx, file, b); err != nil {
		file.Abort()
		return fmt.Errorf("couldn't pack the export: %w", err)
	}
	return file.Commit()
}

func (s Bundle) share(ctx context.Context, t rights.Task) bundle.Share {
	share := bundle.Share{Name: t.System, Title: title(s.Systems, t.System), Outcome: t.Outcome, Keeps: t.Keeps}
	if t.Outcome == rights.Done {
		share.Open = func() (io.ReadCloser, error) { return s.Vault.Open(ctx, t.Request, bundle.PartName(t.System)) }
	}
	return share
}

func (s Bundle) dropParts(ctx context.Context, id rights.ID, tasks []rights.Task) error {
	var parts []string
	for _, t := range tasks {
		parts = append(parts, bundle.PartName(t.System))
	}
	return s.Vault.Remove(ctx, id, parts...)
}

// title is what a person reads for a system.
func title(systems []connector.System, name string) string {
	for _, system := range systems {
		if system.Name() == name {
			return system.Title()
		}
	}
	return name
}
