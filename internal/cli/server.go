package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"orgflow/internal/config"
	"orgflow/internal/probe"
)

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve the HTTP API and console", Args: cobra.NoArgs,
		Long: "Serve the HTTP API and console on ORGFLOW_HTTP_ADDR (default " + config.DefaultHTTPAddr + ") until\n" +
			"interrupted. Beyond loopback ORGFLOW_API_KEYS is required.",
		Example: "  starter serve\n  ORGFLOW_HTTP_ADDR=0.0.0.0:8080 ORGFLOW_API_KEYS=ops:operate:$(printf %s TOKEN | sha256sum | cut -c-64) starter serve",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return p.with(ctx, config.RoleServer, func(b Backend) error { return b.Serve(ctx) })
		},
	}
}

func (p *program) healthCommand() *cobra.Command {
	ready := false
	cmd := &cobra.Command{
		Use: "health", Short: "Ask the server on this machine how it is", Args: cobra.NoArgs,
		Long: "Ask the server at ORGFLOW_HTTP_ADDR on this machine how it is: GET /healthz, with --ready /readyz.\n" +
			"Says nothing and exits with 0 when all is well, else with 1. For health checks of containers, which\n" +
			"hold no other program; a worker has worker --health.",
		Example: "  starter health\n  starter health --ready",
		RunE: func(cmd *cobra.Command, _ []string) error {
			listeners, err := config.LoadListeners()
			if err != nil {
				return err
			}
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			return probe.Ask(cmd.Context(), listeners.HTTP, path)
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "whether database and Temporal answer it, too")
	return cmd
}

func (p *program) adminLinkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "admin-link", Short: "Print a link by which an administrator signs in on this machine", Args: cobra.NoArgs,
		Long: "Print a link to the server at ORGFLOW_HTTP_ADDR by which whoever opens it signs in as administrator.\n" +
			"It works once, for ten minutes, and only in a browser on the server's machine.",
		Example: "  starter admin-link",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return p.with(ctx, config.RoleStarter, func(b Backend) error {
				link, err := b.AdminLink(ctx)
				if err != nil {
					return fmt.Errorf("make a link: %w", err)
				}
				return p.print("%s", link)
			})
		},
	}
}

func (p *program) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database schema up to date", Args: cobra.NoArgs,
		Long:    "Bring the schema of ORGFLOW_DATABASE_URL up to date. Running it again changes nothing.",
		Example: "  ORGFLOW_DATABASE_URL=postgres://orgflow:…@db/orgflow starter migrate",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return p.with(ctx, config.RoleMigrate, func(b Backend) error {
				before, after, err := b.Migrate(ctx)
				switch {
				case err != nil:
					return fmt.Errorf("migrate: %w", err)
				case before == after:
					return p.print("The schema is up to date (version %d).", after)
				}
				return p.print("Migrated the schema from version %d to %d.", before, after)
			})
		},
	}
}
