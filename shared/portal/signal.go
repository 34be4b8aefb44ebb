package portal

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// signaled tells whether the browser sends the signal: "1" and nothing else, in one
// header of any number (W3C Global Privacy Control).
func signaled(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Sec-GPC"), func(v string) bool { return strings.TrimSpace(v) == "1" })
}

// gpcResource says that the signal is honoured (/.well-known/gpc.json).
func gpcResource(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=86400")
	json.NewEncoder(w).Encode(map[string]any{"gpc": true, "lastUpdate": "2026-11-24"})
}
