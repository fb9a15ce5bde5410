package dtsim

// subtree calls f for a department and all below it until f answers false.
func (d *directory) subtree(id int64, f func(int64) bool) bool {
	if !f(id) {
		return false
	}
	for _, kid := range d.Kids[id] {
		if !d.subtree(kid, f) {
			return false
		}
	}
	return true
}

// visible reports whether an existing department lies in the app's scope.
func (d *directory) visible(set *compiled, id int64) bool {
	if set.scope == nil {
		return true
	}
	for {
		if set.scope[id] {
			return true
		}
		if id == rootID {
			return false
		}
		id = d.Depts[id].ParentID
	}
}

// sees reports whether a user is in a department of the app's scope.
func (d *directory) sees(set *compiled, u *record) bool {
	if set.scope == nil {
		return true
	}
	for _, id := range u.DeptIDs {
		if d.visible(set, id) {
			return true
		}
	}
	return false
}
