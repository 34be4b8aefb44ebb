package connector

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// newClient is the client for configured addresses. It follows no redirect and,
// unless private is allowed for this system, connects to no address inside our
// own network: a definition, or a name server, must not be able to make us ask
// the cloud's metadata service or a neighbour.
func newClient(timeout time.Duration, private bool) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !private {
		// Control sees the address after the name was resolved, so a name that
		// resolves differently a second time gains nothing.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !public(at.Addr()) {
				return &Error{Problem: "lies at an address inside a private network; allow it in the settings if that is meant", Final: true}
			}
			return nil
		}
	}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
	}
}

var shared = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func public(at netip.Addr) bool {
	at = at.Unmap()
	return at.IsGlobalUnicast() && !at.IsPrivate() && !shared.Contains(at)
}
