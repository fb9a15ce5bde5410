package console

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"orgflow/internal/api"
	"orgflow/internal/config"
)

// pageLength is how many rows a list shows at once.
const pageLength = 50

func (c *Console) syncRoutes(r chi.Router) {
	c.see(r, "/sync", config.AccessRead, c.syncRuns)
}

// syncRuns lists sync runs, newest first.
func (c *Console) syncRuns(r *http.Request) (content, error) {
	page, err := c.Runs.ListRuns(r.Context(), api.RunFilter{Cursor: r.URL.Query().Get("cursor"), Limit: pageLength})
	return content{template: "sync", title: "sync", section: "sync", data: page}, err
}
