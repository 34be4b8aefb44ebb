package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rowReader reads a CSV row by row, whose first row names the columns.
type rowReader struct {
	io.Closer
	csv  *csv.Reader
	head []string
	at   int
}

// openRows opens a file, or the standard input as "-", that has to have a column.
func openRows(path, need string) (*rowReader, error) {
	file := os.Stdin
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return nil, exitError{exitNotFound, fmt.Errorf("couldn't read the CSV: %w", err)}
		}
	}
	r, err := newRows(file, need)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r.Closer = file
	return r, nil
}

func newRows(in io.Reader, need string) (*rowReader, error) {
	r := &rowReader{csv: csv.NewReader(bufio.NewReaderSize(in, 1<<20)), at: 1}
	r.csv.ReuseRecord = true
	head, err := r.csv.Read()
	for _, name := range head {
		r.head = append(r.head, strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
	}
	if err != nil || r.column(need) < 0 {
		return nil, exitError{exitUsage, fmt.Errorf("the first row has to name the columns, one of them %s", need)}
	}
	return r, nil
}

func (r *rowReader) column(name string) int {
	return slices.IndexFunc(r.head, func(h string) bool { return strings.EqualFold(h, name) })
}

// of is a row's value in a column, "" where there is no such column.
func (r *rowReader) of(row []string, name string) string {
	if i := r.column(name); i >= 0 {
		return row[i]
	}
	return ""
}

// Next returns the next row, which holds until the one after; io.EOF at the end.
func (r *rowReader) Next() ([]string, error) {
	row, err := r.csv.Read()
	r.at++
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, exitError{exitUsage, errors.New("row " + strconv.Itoa(r.at) + " can't be read: correct it and start again: " + err.Error())}
	}
	return row, err
}

// progress is a line for the terminal: a bar where the file's size is known, the rows,
// and how many a second.
func (r *rowReader) progress(n int, since time.Time) string {
	bar := ""
	if file, ok := r.Closer.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			share := min(float64(r.csv.InputOffset())/float64(info.Size()), 1)
			full := int(share * 30)
			bar = fmt.Sprintf("[%s%s] %3.0f%%  ", strings.Repeat("#", full), strings.Repeat(".", 30-full), share*100)
		}
	}
	return fmt.Sprintf("\r%s%d rows, %.0f a second", bar, n, float64(n)/max(time.Since(since).Seconds(), 0.001))
}
