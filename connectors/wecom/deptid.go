package wecom

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// WeCom has no field that says whose a department is (DingTalk's is
// source_identifier), but lets the caller choose the id: a number above 1 of
// 32 bits (WeCom reference § 5). orgflow derives it from Effect.Key, and so
// the id itself is what an insert in doubt is recognised by:
//
//   - repeated under the same id it can only answer 60008, never make a
//     second department, even where nothing may be read;
//   - department/simplelist tells by id whether it is there, and that read is
//     open to every secret, while the names that a look-up by name and parent
//     would need are not (§ 3);
//   - a look-up by name would take a namesake made by hand for ours, or, once
//     somebody renamed it, create it again.
//
// The ids are those of [2^30, 2^31): far above the small ones that WeCom
// counts up itself, still positive in signed 32 bits (whether the vendor's
// are signed is unconfirmed), and recognisable as ours: a sibling in the way
// whose id is below was made by somebody else and may be taken over, one
// within belongs to another record.
//
// Two records may get the same id: of 1,000 departments with a chance of
// 1:2,000. Then the second moves on to its next candidate, which again
// depends on nothing but its key.
const (
	firstOwnID = 1 << 30
	candidates = 4
)

// candidate is the n-th id for a record, n from 0.
func candidate(key string, n int) int64 {
	sum := sha256.Sum256([]byte("orgflow department " + strconv.Itoa(n) + " " + key))
	return firstOwnID | int64(binary.BigEndian.Uint32(sum[:])&(firstOwnID-1))
}

// ownID tells whether an id is one that orgflow chose.
func ownID(id int64) bool { return id >= firstOwnID && id <= maxDepartmentID }
