package embedded

import (
	"context"
	"fmt"
	"net/http"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"

	"orgflow/internal/temporalx"
)

// webUI is the running Web UI.
type webUI struct {
	server *uiserver.Server
	url    string
	done   chan struct{}
}

// startUI starts the Web UI on the reserved port and waits until it answers
// (settings: Temporal reference § 12.3).
func startUI(ctx context.Context, cfg Config, p *ports) (*webUI, error) {
	ui := &webUI{
		server: uiserver.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
			TemporalGRPCAddress: p.frontend.dialAddr(),
			Host:                uiHost(p.ui),
			Port:                p.ui.addr.Port,
			PublicPath:          cfg.UIPublicPath,
			EnableUI:            true,
			DefaultNamespace:    cfg.Namespace,
			CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on loopback
			HideLogs:            true,
			DisableNewsFetch:    true,
			// The session of somebody who is signed in goes along: the codec
			// wants a role.
			Codec: uiconfig.Codec{Endpoint: cfg.CodecEndpoint, IncludeCredentials: cfg.CodecEndpoint != ""},
		})),
		url:  "http://" + p.ui.dialAddr() + cfg.UIPublicPath,
		done: make(chan struct{}),
	}
	p.ui.release()
	go func() {
		defer close(ui.done)
		_ = ui.server.Start() // answers only nil, after Stop
	}()
	if err := awaitHTTP(ctx, ui.url+"/"); err != nil {
		ui.stop()
		return nil, fmt.Errorf("wait for the Temporal Web UI at %s: %w", ui.url, err)
	}
	return ui, nil
}

// uiHost is the host in the form the UI server expects: it joins host and
// port with a colon itself, so IPv6 needs its brackets.
func uiHost(r *reservation) string {
	if r.addr.IP.To4() == nil {
		return "[" + r.addr.IP.String() + "]"
	}
	return r.addr.IP.String()
}

func (ui *webUI) stop() {
	ui.server.Stop()
	<-ui.done
}

func awaitHTTP(ctx context.Context, url string) error {
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	httpClient := &http.Client{Transport: transport}
	return temporalx.Poll(ctx, func() (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		response, err := httpClient.Do(request)
		if err != nil {
			return false, ctx.Err() // not listening yet
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK, nil
	})
}
