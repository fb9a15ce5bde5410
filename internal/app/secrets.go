package app

import (
	"strings"

	"orgflow/internal/config"
	"orgflow/internal/telemetry"
)

// Secrets may be rotated while the program runs. Whatever is read anew is made
// known to what masks log lines and the doctor's findings before it is used.

// hide masks values in logs and in what the doctor says, from now on. Those of
// before stay masked.
func (a *App) hide(values ...string) {
	a.veil.Add(values...)
	if logged := telemetry.RedactorOf(a.Log); logged != nil {
		logged.Add(values...)
	}
}

// conceal hears what references in meta files stand for. The doctor says none
// of them, but for addresses, which somebody has to see who looks for a wrong
// one. In logs those are masked that are secret by where they come from, or by
// their name: a company's name or the id of an application is no secret, and
// half of the log without them.
func (a *App) conceal(ref, value string) {
	if !strings.Contains(value, "://") || strings.Contains(value, "@") {
		a.veil.Add(value)
	}
	name, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(ref, "${"), "}"), ":-")
	if strings.HasPrefix(name, "file:") || telemetry.SecretName(name) {
		a.hide(value)
	}
}

// databaseURL is that of the next connection.
func (a *App) databaseURL() (string, error) {
	dsn, err := a.Config.Database.Read()
	a.hide(a.Config.Database.PasswordIn(dsn))
	return dsn, err
}

// temporalKey is that of the next call.
func (a *App) temporalKey() (string, error) {
	key, err := a.Config.Temporal.APIKey.Read()
	a.hide(key)
	return key, err
}

// payloadKeys are those that encrypt and decrypt from now on.
func (a *App) payloadKeys() ([][]byte, error) {
	keys, err := a.Config.PayloadKeys.Read()
	a.hide(config.KeyTexts(keys)...)
	return keys, err
}
