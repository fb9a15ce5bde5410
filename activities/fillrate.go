package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"orgflow/internal/store"
)

const (
	// A field is judged when at least fillFloor records, and fillShare of all,
	// had a value at the last complete read. It has gone missing when its
	// share is less than fillDrop of what it was.
	fillFloor = 20
	fillShare = 0.5
	fillDrop  = 0.5
)

// filled counts the records that have a value, per standard key, custom
// attributes by their own name.
func filled(records iter.Seq2[store.StagedRecord, error]) (map[string]int, error) {
	counts := map[string]int{}
	for record, err := range records {
		if err != nil {
			return nil, err
		}
		for key, raw := range record.Fields {
			if isEmpty(raw) {
				continue
			}
			counts[key]++
			var nested map[string]json.RawMessage
			if raw[0] == '{' && json.Unmarshal(raw, &nested) == nil {
				for name, v := range nested {
					if !isEmpty(v) {
						counts[key+"."+name]++
					}
				}
			}
		}
	}
	return counts, nil
}

func isEmpty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// missingField names a field that most records had at an earlier read of the
// same meta file and filter and few have now: a right that was withdrawn at
// the source, or a join that broke there, looks like this. Empty if there is
// none.
func missingField(was, is store.Snapshot) string {
	if was.Staged == 0 || is.Staged == 0 || was.MetaHash != is.MetaHash || was.FilterHash != is.FilterHash {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(was.Filled)) {
		before := float64(was.Filled[key]) / float64(was.Staged)
		now := float64(is.Filled[key]) / float64(is.Staged)
		if was.Filled[key] >= fillFloor && before >= fillShare && now < before*fillDrop {
			return fmt.Sprintf("%s has a value in %.0f %% of the records, in %.0f %% at the last complete read; "+
				"give the source's account the right to read it, or take it out of the meta file if it is no longer kept", key, 100*now, 100*before)
		}
	}
	return ""
}

// fieldProof compares a read that seems whole with the scope's last complete
// one, field by field.
func (f *fetcher) fieldProof(ctx context.Context, is store.Snapshot) (cause string, err error) {
	latest, err := f.store.LatestSnapshots(ctx, store.SnapshotFilter{
		Target: is.Target, Scope: is.Scope, Kind: is.Kind, Complete: true, ExceptRun: is.RunID,
	})
	if err != nil {
		return "", err
	}
	for _, was := range latest {
		if was.Service == is.Service {
			return missingField(was, is), nil
		}
	}
	return "", nil
}
