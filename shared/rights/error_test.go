package rights_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/rightful/rightful/shared/rights"
)

// TestCodes: a code that is declared is listed, so that a workflow may name it.
func TestCodes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []rights.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil || value != spec.Names[0].Name {
				t.Errorf("%s crosses the border as %q", spec.Names[0].Name, value)
			}
			declared = append(declared, rights.Code(value))
		}
		return true
	})
	if listed := rights.Codes(); len(declared) < 10 || !slices.Equal(declared, listed) {
		t.Errorf("declared %v, listed %v", declared, listed)
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	lost := &rights.Error{Code: rights.Conflict, Detail: "Look again."}
	for name, c := range map[string]struct {
		err  error
		want rights.Code
	}{
		"Ours":    {lost, rights.Conflict},
		"Wrapped": {fmt.Errorf("couldn't move it: %w", lost), rights.Conflict},
		"Joined":  {errors.Join(errors.New("rollback"), lost), rights.Conflict},
		"Foreign": {errors.New("disk full"), rights.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rights.CodeOf(c.err); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if is := errors.Is(c.err, &rights.Error{Code: rights.Conflict}); is != (c.want == rights.Conflict) {
				t.Errorf("errors.Is says %t", is)
			}
		})
	}
	if lost.ErrorName() != "Conflict" || lost.Error() != "Look again." || (&rights.Error{Code: rights.NotNow}).Error() != "NotNow" {
		t.Error("an error doesn't say what it is")
	}
}
