package approval
type Templates map[string]string
func (c *checker) serial() {}
func (c *checker) notices() {}
