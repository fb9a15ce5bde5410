package transport

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Single readings may be off by as much as they took; together they tell the
// offset much better, also of a clock that drifts.
func TestReadingsTogetherBoundTheOffset(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	var o offset
	for i := range 500 {
		there, back := random.IntN(int(60*time.Millisecond)), random.IntN(int(60*time.Millisecond))
		truth := 3*time.Hour + time.Duration(i)*5*time.Microsecond // 100 ppm at 50 ms a reading
		asked, shown := now, now.Add(time.Duration(there))
		now = shown.Add(time.Duration(back))
		o.read(shown.Add(truth), asked, now)
		local := o.local(now.Add(truth))
		if off := local.Sub(now).Abs(); i > 100 && off > 5*time.Millisecond {
			t.Fatalf("after %d readings the offset is off by %v", i, off)
		}
		now = now.Add(time.Duration(random.IntN(int(20 * time.Millisecond))))
	}
}

func TestAClockThatIsSetIsFollowed(t *testing.T) {
	now := time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	var o offset
	for _, ahead := range []time.Duration{time.Second, time.Second, -time.Hour} {
		o.read(now.Add(ahead), now, now.Add(2*time.Millisecond))
		if off := o.local(now.Add(ahead)).Sub(now).Abs(); off > 2*time.Millisecond {
			t.Errorf("a clock %v ahead is off by %v", ahead, off)
		}
		now = now.Add(time.Second)
	}
}
