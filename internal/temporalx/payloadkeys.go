package temporalx

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/converter"
)

// lookEvery is how long keys are used before they are read again.
const lookEvery = time.Second

// PayloadKeys encrypt what workflows and activities exchange before it leaves
// the process: the first key encrypts, all decrypt. They are read again while
// the program runs, so that keys can be rotated without a restart. Safe for
// concurrent use; nil has no key.
type PayloadKeys struct {
	read  func() ([][]byte, error)
	log   *slog.Logger
	clock func() time.Time

	mu      sync.Mutex
	looked  time.Time
	keys    []payloadKey
	trouble string // what was wrong at the last look, already said
}

// NewPayloadKeys returns the keys that read gives: 32 bytes each, or none for
// no encryption. Its error is read's, or a key of another length. Later ones
// are logged, once, and the keys stay as they were.
func NewPayloadKeys(read func() ([][]byte, error), logger *slog.Logger) (*PayloadKeys, error) {
	k := &PayloadKeys{read: read, log: logger, clock: time.Now}
	keys, err := k.load()
	if err != nil {
		return nil, err
	}
	k.keys, k.looked = keys, k.clock()
	return k, nil
}

// IDs names the keys there are now, as payloads do; the first encrypts.
func (k *PayloadKeys) IDs() []string { return idsOf(k.now()) }

func idsOf(keys []payloadKey) []string {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.id
	}
	return ids
}

// DataConverter returns the converter that Dial uses with these keys, for code
// that reads raw payloads.
//
// Inside a workflow a payload of an unknown key is a panic: it fails the
// workflow task, which Temporal tries again until a worker has the key. An
// error would fail the workflow for good, and the SDK would drop a signal.
func (k *PayloadKeys) DataConverter() converter.DataConverter {
	return dataConverter{DataConverter: converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec{k})}
}

func (k *PayloadKeys) load() ([]payloadKey, error) {
	raw, err := k.read()
	if err != nil {
		return nil, err
	}
	keys := make([]payloadKey, len(raw))
	for i, key := range raw {
		if keys[i], err = newPayloadKey(key); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// now returns the keys, read again if the last look is a second ago.
func (k *PayloadKeys) now() []payloadKey {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if since := k.clock().Sub(k.looked); since < 0 || since >= lookEvery { // a clock may be set back
		k.look()
	}
	return k.keys
}

// find returns the key with an id, looking for it again where it is unknown:
// another process may have been given it a moment earlier.
func (k *PayloadKeys) find(id string) (payloadKey, error) {
	if key, ok := keyOf(k.now(), id); ok {
		return key, nil
	}
	var have []string
	if k != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.look()
		if key, ok := keyOf(k.keys, id); ok {
			return key, nil
		}
		have = idsOf(k.keys)
	}
	return payloadKey{}, &UnknownKeyError{ID: id, Have: have}
}

func keyOf(keys []payloadKey, id string) (payloadKey, bool) {
	for _, key := range keys {
		if key.id == id {
			return key, true
		}
	}
	return payloadKey{}, false
}

// look reads the keys, and says which ones a rotation has brought. Where they
// cannot be read they stay as they were: those in memory are as good as before.
func (k *PayloadKeys) look() {
	k.looked = k.clock()
	keys, err := k.load()
	if err == nil && len(keys) == 0 && len(k.keys) > 0 {
		err = errors.New("the keys are gone; what is encrypted now would not be")
	}
	if err == nil {
		if before, ids := idsOf(k.keys), idsOf(keys); !slices.Equal(before, ids) {
			k.log.Info("payload keys changed", "with", ids[0], "keys", ids)
		}
		k.keys, k.trouble = keys, ""
		return
	}
	if text := err.Error(); text != k.trouble {
		k.trouble = text
		k.log.Error("payload keys stay as they were", "setting", "ORGFLOW_PAYLOAD_KEY", "error", err)
	}
}
