package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// lockFolder makes sure that one process works on a data folder: two engines on
// one file would each carry out the other's work. The lock is SQLite's own, which
// every system has and which a killed process can't leave behind.
func lockFolder(ctx context.Context, path string) (io.Closer, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(0)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(fmt.Errorf("another rightful works on this data folder: stop it first, or name another folder in RIGHTFUL_DATA"), db.Close())
	}
	return db, nil
}
