package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestNames: a package is named after what it is about.
func TestNames(t *testing.T) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "base", "lib"}
	walk(t, func(name, file, text string) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Name.Name != path.Base(name) || slices.Contains(vague, parsed.Name.Name) {
			t.Errorf("%s is of package %s", file, parsed.Name.Name)
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(imported, module) && slices.Contains(vague, path.Base(imported)) {
				t.Errorf("%s imports %s", file, imported)
			}
		}
	})
}

// TestTime_NotHandedOnEither: below shared nobody asks for the time or sleeps,
// neither by a call nor by handing the function on.
func TestTime_NotHandedOnEither(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep"}
	walk(t, func(_, file, text string) {
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if of, ok := selector.X.(*ast.Ident); ok && of.Name == "time" && slices.Contains(clock, selector.Sel.Name) {
					t.Errorf("%s: time.%s: take it as a parameter", fset.Position(n.Pos()), selector.Sel.Name)
				}
			}
			return true
		})
	})
}
