package connector_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/rightful/rightful/shared/connector"
	"github.com/rightful/rightful/shared/rights"
)

// TestChinook exports and erases one customer of a real database, on a copy.
func TestChinook(t *testing.T) {
	source := filepath.Join("..", "..", "..", "shared", "data", "Chinook_Sqlite.sqlite")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Skip("SKIPPED: the sample database shared/data is not beside the project")
	}
	path := filepath.Join(t.TempDir(), "chinook.sqlite")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	systems, err := connector.Load(os.DirFS("testdata/chinook"), connector.Settings{Variables: map[string]string{"CHINOOK": path}, OpenSQL: sql.Open})
	if err != nil {
		t.Fatal(err)
	}
	shop := systems[0]
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	before := dump(t, db)
	job := connector.Job{Task: "DR-TEST-2222-2222.erase.chinook", Subject: rights.Subject{Email: "LuisG@embraer.com.br"}, At: time.Now()}
	want := []rights.Found{{Collection: "customers", Count: 1}, {Collection: "invoices", Count: 7}, {Collection: "invoice_lines", Count: 38}}

	located, err := shop.Locate(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, located.Found); diff != "" {
		t.Errorf("located (-want +got):\n%s", diff)
	}

	exported := map[string][]string{}
	if _, err := shop.Export(t.Context(), job, func(collection string, r connector.Record) error {
		line, err := json.Marshal(r)
		exported[collection] = append(exported[collection], string(line))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(exported["customers"]) != 1 || len(exported["invoices"]) != 7 || len(exported["invoice_lines"]) != 38 {
		t.Errorf("exported %d customers, %d invoices, %d lines", len(exported["customers"]), len(exported["invoices"]), len(exported["invoice_lines"]))
	}
	if !strings.Contains(exported["customers"][0], "Luís") {
		t.Error("the customer's record is not the customer's")
	}
	if diff := cmp.Diff(before, dump(t, db)); diff != "" {
		t.Fatal("locating or exporting changed the database")
	}

	erased, err := shop.Erase(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if erased.Outcome != rights.Kept || len(erased.Keeps) != 2 || erased.Keeps[0].Count != 7 || erased.Keeps[0].Until.Year() < 2031 || !strings.Contains(erased.Keeps[0].Why, "Tax law") {
		t.Errorf("erased: %+v", erased)
	}
	after := dump(t, db)
	checkErased(t, before, after)

	again, err := shop.Erase(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(erased, again); diff != "" {
		t.Errorf("the same task twice (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(after, dump(t, db)); diff != "" {
		t.Error("the second time changed something")
	}
}

// checkErased compares every row of every table: of customer 1 the customer and
// the invoices may differ, and nobody else's.
func checkErased(t *testing.T, before, after map[string]map[string]string) {
	t.Helper()
	changed := map[string]int{}
	for table, rows := range before {
		if len(after[table]) != len(rows) {
			t.Errorf("%s had %d rows and has %d", table, len(rows), len(after[table]))
		}
		for key, row := range rows {
			if after[table][key] == row {
				continue
			}
			changed[table]++
			if table == "Customer" && key != "1" || table == "Invoice" && !strings.Contains(row, "CustomerId=1 ") {
				t.Errorf("%s %s is somebody else's and was changed", table, key)
			}
			for _, gone := range []string{"Luís", "Gonçalves", "luisg", "Faria Lima", "3923-5555", "12227"} {
				if strings.Contains(after[table][key], gone) {
					t.Errorf("%s %s still holds a part of the person", table, key)
				}
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"Customer": 1, "Invoice": 7}, changed); diff != "" {
		t.Errorf("changed rows (-want +got):\n%s", diff)
	}
	for key, row := range before["Invoice"] {
		_, total, _ := strings.Cut(row, "Total=")
		if !strings.HasSuffix(after["Invoice"][key], "Total="+total) {
			t.Errorf("invoice %s lost its total", key)
		}
	}
}

// dump is every row of every table of the shop's, by its first column.
func dump(t *testing.T, db *sql.DB) map[string]map[string]string {
	t.Helper()
	tables, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('rightful_receipts', 'PlaylistTrack') AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	tables.Close()
	all := map[string]map[string]string{}
	for _, name := range names {
		all[name] = map[string]string{}
		rows, err := db.Query(`SELECT * FROM "` + name + `"`)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			cells, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range cells {
				into[i] = &cells[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			var row strings.Builder
			for i, column := range columns {
				fmt.Fprintf(&row, " %s=%v", column, cells[i])
			}
			all[name][fmt.Sprint(cells[0])] = row.String()
		}
		rows.Close()
	}
	if len(all["Customer"]) != 59 {
		t.Fatalf("%d customers", len(all["Customer"]))
	}
	return all
}
