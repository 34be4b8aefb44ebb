# Rightful. `make` alone lists what there is.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.1.4

FUNCTIONS = $(notdir $(wildcard functions/*))
ARCH ?= arm64
SYSTEMS ?= systems

.PHONY: build help run test check bench fuzz lint race vuln long

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the whole system on this machine: http://127.0.0.1:8080, data in .rightful/.
	go run ./infra/rightful serve

build: ## Build the functions for Lambda (ARCH=arm64 or amd64), with the definitions in SYSTEMS.
	@mkdir -p dist $(SYSTEMS)
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o dist/.bin/ ./functions/...
	@for f in $(FUNCTIONS); do mkdir -p dist/$$f && mv dist/.bin/$$f dist/$$f/bootstrap && rm -rf dist/$$f/systems && cp -R $(SYSTEMS) dist/$$f/systems || exit 1; done

test: ## Run the tests: Go alone, no network, under two minutes.
	go test ./...

check: lint race long vuln ## Everything else: linters, the race detector, the long tests, known vulnerabilities.

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these files"; exit 1; }
	go vet ./...
	go mod tidy -diff
	go run $(STATICCHECK) ./...

race:
	go test -race ./...

long:
	RIGHTFUL_LONG=1 go test -count=1 -timeout 30m -run 'TestKill|TestOracle' -v ./infra/rightful ./shared/asl | grep -vE '^(=== |    --- PASS|--- PASS: TestOracle/)'

# The database of known vulnerabilities is asked over the network; where that can't
# be reached, this says so and goes on.
vuln:
	@go run $(GOVULNCHECK) ./... || { status=$$?; if [ $$status -eq 3 ]; then exit 3; fi; echo "SKIPPED: govulncheck could not reach its database (exit $$status)"; }

bench: ## Measure: requests per second, the export, the engine against the disk.
	go test -run '^$$' -bench . -benchtime 1x ./...

fuzz: ## Fuzz what parses foreign bytes, ten seconds a target.
	@for package in $$(grep -rl 'func Fuzz' --include '*_test.go' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho 'func Fuzz[A-Za-z0-9_]*' $$package/*_test.go | sed 's/func //'); do \
			echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime 10s $$package || exit 1; \
		done; done
