// Rightful carries out data-rights requests. `rightful serve` is the whole system
// on one machine; `rightful requests` is the operator's view of a running one.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/rightful/rightful/shared/web"
)

// cli is the command line.
type cli struct {
	Serve       serveCommand       `cmd:"" help:"Run the whole system on this machine."`
	Requests    requestsCommand    `cmd:"" help:"See and work the requests of a running server or a stage."`
	Links       linksCommand       `cmd:"" help:"Mint unsubscribe links for marketing mails."`
	Suppression suppressionCommand `cmd:"" help:"Export, import and filter by who opted out."`
	Check       checkCommand       `cmd:"" help:"Test somebody's endpoint."`
	Doctor      doctorCommand      `cmd:"" help:"Check a deployed stage, and say what to do."`
	Smoke       smokeCommand       `cmd:"" help:"File, prove and finish a test request."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// version is set when a release is built.
var version = web.Version

type versionCommand struct{}

func (versionCommand) Run(out io.Writer) error {
	_, err := fmt.Fprintln(out, "rightful", version)
	return err
}

// Exit codes. A script can tell what to do by them.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
	exitDenied   = 4 // no or a wrong operator's token
	exitConflict = 5 // the request is in no state for it, or changed meanwhile
)

// exitError is an error with its exit code.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: data goes to out, everything else to errs.
func run(args []string, out, errs io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("rightful"), kong.Description("Carries out data-rights requests: access, deletion, correction, objection."),
		kong.Writers(out, errs), kong.Exit(func(code int) { exit = code }), kong.UsageOnError(), kong.BindTo(out, (*io.Writer)(nil)))
	if err != nil {
		fmt.Fprintln(errs, "rightful:", err)
		return exitFailed
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help was asked for, and given
	}
	if err != nil {
		fmt.Fprintf(errs, "rightful: %v; run rightful --help\n", err)
		return exitUsage
	}
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(errs, "rightful:", err)
		if coded, ok := errors.AsType[exitError](err); ok {
			return coded.code
		}
		return exitFailed
	}
	return 0
}
