package approval

import (
	"fmt"
	"slices"
	"time"

	"orgflow"
)

// urge reminds everybody with an ACTIVE task who was not reminded too often.
// It is refused only if nobody may be reminded now.
func (m *machine) urge(c DoUrge) error {
	if err := m.running(); err != nil {
		return err
	}
	limit := m.def.Policy.Urge
	var users []string
	var wait time.Duration
	active := 0
	for i := range m.s.Tasks {
		t := &m.s.Tasks[i]
		if t.State != orgflow.TaskActive {
			continue
		}
		active++
		pause, err := m.pause(t, limit)
		if err != nil {
			return err
		}
		if pause > 0 {
			if wait == 0 || pause < wait {
				wait = pause
			}
			continue
		}
		if err := m.urgeTask(t); err != nil {
			return err
		}
		users = append(users, t.User)
	}
	switch {
	case active == 0:
		return refusef(NothingToUrge, "nobody has an open task of flow %s", m.s.Number)
	case len(users) == 0:
		r := refusef(UrgedTooOften, "everybody was urged; try again in %s", wait.Round(time.Second))
		r.RetryAfter = wait
		return r
	}
	m.answer.Urged = unique(users)
	m.log(Entry{Type: EntryUrged, Actor: c.By, Data: EntryData{Users: m.answer.Urged}})
	return nil
}

const day = 24 * time.Hour

// pause returns how long a task's person is not to be urged again.
func (m *machine) pause(t *Task, limit Urge) (time.Duration, error) {
	t.Urged = slices.DeleteFunc(t.Urged, func(at time.Time) bool { return m.now.Sub(at) >= day })
	if len(t.Urged) == 0 {
		t.Urged = nil
		return 0, nil
	}
	last := t.Urged[len(t.Urged)-1]
	next, err := m.w.Deadline(last, limit.MinInterval, WallClock)
	if err != nil {
		return 0, fmt.Errorf("when task %d may be urged again: %w", t.ID, err)
	}
	if limit.MaxPerDay > 0 && len(t.Urged) >= limit.MaxPerDay {
		if free := t.Urged[len(t.Urged)-limit.MaxPerDay].Add(day); free.After(next) {
			next = free
		}
	}
	return max(next.Sub(m.now), 0), nil
}

func (m *machine) urgeTask(t *Task) error {
	t.Urges++
	t.Urged = append(t.Urged, m.now)
	return m.tellTask(OnUrge, t)
}
