package wecom

import "time"

const importPause = time.Minute
