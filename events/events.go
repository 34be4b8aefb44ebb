// Package events holds one runnable sample of every message that crosses a border,
// and its schema: what states are told and answer, what a person submits, what a
// system calls back with, what mail systems and senders report, and what we tell those
// who listen. The tests replay them; a sample nobody replays is not here.
package events

import "embed"

// Files are schema/<message>.schema.json, and <message>/<case>.json.
//
//go:embed schema */*.json
var Files embed.FS
