package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"orgflow/internal/config"
	"orgflow/internal/doctor"
	"orgflow/internal/probe"
)

// machine are the checks of this machine: the HTTP API's address and keys,
// and the disk.
func (d *Doctor) machine() []doctor.Check {
	cfg := d.app.Config
	return []doctor.Check{
		{Area: doctor.AreaHTTP, Name: "keys", Look: func(context.Context) []doctor.Finding {
			keys := cfg.APIKeys
			if cfg.KeyRing != nil {
				if now, err := cfg.KeyRing.Keys(); err == nil {
					keys = now
				}
			}
			access := doctor.Access{Addr: cfg.HTTPAddr, Loopback: config.Loopback(cfg.HTTPAddr)}
			for _, k := range keys {
				access.Roles = append(access.Roles, k.Access.String())
			}
			return []doctor.Finding{doctor.Keys(access)}
		}},
		{Area: doctor.AreaHTTP, Name: "server", Look: d.listening},
		{Area: doctor.AreaDisk, Name: "space", Look: func(context.Context) []doctor.Finding { return d.space() }},
	}
}

// listening asks whoever answers at the HTTP API's address.
func (d *Doctor) listening(ctx context.Context) []doctor.Finding {
	addr := d.app.Config.HTTPAddr
	return []doctor.Finding{doctor.Listening(addr, d.meet(ctx, addr))}
}

func (d *Doctor) meet(ctx context.Context, addr string) doctor.Server {
	local, err := probe.Local(addr)
	if err != nil {
		return doctor.ServerNone // the settings tell
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+local+"/readyz", nil)
	if err != nil {
		return doctor.ServerNone
	}
	res, err := d.wire.RoundTrip(req)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return doctor.ServerNone
		}
		return doctor.ServerOther
	}
	defer res.Body.Close()
	var answer struct{ Status, Code string }
	err = json.NewDecoder(http.MaxBytesReader(nil, res.Body, 1<<16)).Decode(&answer)
	switch {
	case err == nil && answer.Status == "ready":
		return doctor.ServerReady
	case err == nil && res.StatusCode == http.StatusServiceUnavailable && answer.Code != "":
		return doctor.ServerNotReady
	}
	return doctor.ServerOther
}

// space looks at the disks of the data directory, where there is one, and of
// a SQLite file.
func (d *Doctor) space() []doctor.Finding {
	places := []string{d.app.Config.DataDir}
	if path, ok := strings.CutPrefix(d.app.Config.Database.DSN, "sqlite://"); ok && filepath.Dir(path) != filepath.Clean(d.app.Config.DataDir) {
		places = append(places, filepath.Dir(path))
	}
	var out []doctor.Finding
	for _, place := range places {
		if _, err := os.Stat(place); errors.Is(err, fs.ErrNotExist) {
			continue // standalone's; other programs have none
		}
		free, err := freeBytes(place)
		if err != nil {
			out = append(out, doctor.Finding{State: doctor.Warning, Found: "the free space at " + place + " cannot be told: " + err.Error()})
			continue
		}
		out = append(out, doctor.Space(place, free))
	}
	if len(out) == 0 {
		out = []doctor.Finding{{State: doctor.OK, Found: "nothing is stored on this machine"}}
	}
	return out
}
