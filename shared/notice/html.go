package notice

import (
	"html"
	"regexp"
	"strings"
	"sync"
)

var (
	address = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^https?://[^\s<>"]+$`) })
	digits  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d{4} \d{4}$`) })
)

const (
	pageStyle  = "margin:0 auto;padding:1.5rem;max-width:38rem;font:1rem/1.5 sans-serif;color:#1a1a1a;background:#fff"
	linkStyle  = "color:#0b4f9e;overflow-wrap:anywhere"
	codeStyle  = "font-size:1.5rem;letter-spacing:.1em"
	quoteStyle = "margin:1rem 0;padding-left:1rem;border-left:.25rem solid #767676"
)

// HTML renders a message's text.
func HTML(m Message) string { return page(m.Subject, m.Text) }

// page shows a letter's text as HTML and adds nothing to it: no picture, no
// remote file, no link that the text doesn't show in full. A line that is an
// address as a whole is a link; addresses within a sentence stay text, so that
// foreign text can't bring one in.
func page(subject, text string) string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>" + html.EscapeString(subject) + "</title>\n</head>\n<body style=\"" + pageStyle + "\">\n")
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString(blockHTML(strings.Split(block, "\n")))
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

func blockHTML(lines []string) string {
	if items, ok := all(lines, "- "); ok {
		return "<ul>\n<li>" + strings.Join(items, "</li>\n<li>") + "</li>\n</ul>\n"
	}
	if quoted, ok := all(lines, "> "); ok {
		return `<blockquote style="` + quoteStyle + `">` + strings.Join(quoted, "<br>\n") + "</blockquote>\n"
	}
	for i, line := range lines {
		escaped := html.EscapeString(line)
		switch {
		case address().MatchString(line):
			escaped = `<a href="` + escaped + `" style="` + linkStyle + `">` + escaped + "</a>"
		case digits().MatchString(line):
			escaped = `<strong style="` + codeStyle + `">` + escaped + "</strong>"
		}
		lines[i] = escaped
	}
	return "<p>" + strings.Join(lines, "<br>\n") + "</p>\n"
}

// all returns the lines as HTML without the mark, where each of them bears it.
func all(lines []string, mark string) ([]string, bool) {
	var bare []string
	for _, line := range lines {
		rest, ok := strings.CutPrefix(line, mark)
		if !ok {
			return nil, false
		}
		bare = append(bare, html.EscapeString(rest))
	}
	return bare, true
}
