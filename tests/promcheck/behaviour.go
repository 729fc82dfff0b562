package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	prometheus "github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v3"
)

// How often rules are evaluated unless a test says otherwise.
const interval = time.Minute

type behaviour struct {
	Tests []scenario `yaml:"tests"`
}

// Series, and what fires when.
type scenario struct {
	Name        string         `yaml:"name"`
	Interval    model.Duration `yaml:"interval"`
	InputSeries []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Expected []expectation `yaml:"alert_rule_test"`
}

type expectation struct {
	At     model.Duration `yaml:"eval_time"`
	Alert  string         `yaml:"alertname"`
	Alerts []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

// Evaluates the rules over the series of each scenario. A scenario fails if another alert fires than it expects, or if one
// that the scenario names does not.
func test(rules, tests string) error {
	text, err := os.ReadFile(tests)
	if err != nil {
		return err
	}
	var all behaviour
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		return fmt.Errorf("%s: %w", tests, err)
	}
	var failed []error
	tried := map[string]bool{}
	for _, one := range all.Tests {
		for _, expected := range one.Expected {
			if len(expected.Alerts) > 0 {
				tried[expected.Alert] = true
			}
		}
		if err := one.play(rules); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", one.Name, err))
		}
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	fmt.Printf("%d scenarios; fired: %s\n", len(all.Tests), strings.Join(slices.Sorted(maps.Keys(tried)), " "))
	return nil
}

func (one scenario) play(file string) error {
	if one.Interval == 0 {
		one.Interval = model.Duration(interval)
	}
	var series strings.Builder
	fmt.Fprintf(&series, "load %s\n", one.Interval)
	for _, input := range one.InputSeries {
		fmt.Fprintf(&series, "  %s %s\n", input.Series, input.Values)
	}
	suite, err := promqltest.NewLazyLoader(series.String(), promqltest.LazyLoaderOpts{Parser: promql})
	if err != nil {
		return err
	}
	defer suite.Close()
	manager := prometheus.NewManager(&prometheus.ManagerOptions{
		QueryFunc:    prometheus.EngineQueryFunc(suite.QueryEngine(), suite.Storage()),
		AppendableV2: suite.Storage(),
		Context:      context.Background(),
		NotifyFunc:   func(context.Context, string, ...*prometheus.Alert) {},
		Logger:       slog.New(slog.DiscardHandler),
		Parser:       promql,
	})
	groups, failed := manager.LoadGroups(time.Duration(one.Interval), labels.EmptyLabels(), "", nil, false, file)
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	slices.SortFunc(one.Expected, func(a, b expectation) int { return int(a.At - b.At) })
	start := time.Unix(0, 0).UTC()
	at := start
	for _, expected := range one.Expected {
		for ; at.Sub(start) <= time.Duration(expected.At); at = at.Add(time.Duration(one.Interval)) {
			var err error
			suite.WithSamplesTill(at, func(failed error) {
				if err = failed; err == nil {
					err = evaluate(suite.Context(), groups, at)
				}
			})
			if err != nil {
				return err
			}
		}
		if err := expected.compare(firing(groups)); err != nil {
			return fmt.Errorf("at %s: %w", expected.At, err)
		}
	}
	return nil
}

func evaluate(ctx context.Context, groups map[string]*prometheus.Group, at time.Time) error {
	for _, group := range groups {
		for _, rule := range group.Rules() {
			if alert, ok := rule.(*prometheus.AlertingRule); ok {
				alert.SetRestored(true)
			}
		}
		group.Eval(ctx, at)
		for _, rule := range group.Rules() {
			if rule.LastError() != nil {
				return fmt.Errorf("%s: %w", rule.Name(), rule.LastError())
			}
		}
	}
	return nil
}

// What fires, by alert.
func firing(groups map[string]*prometheus.Group) map[string][]*prometheus.Alert {
	found := map[string][]*prometheus.Alert{}
	for _, group := range groups {
		for _, rule := range group.AlertingRules() {
			for _, alert := range rule.ActiveAlerts() {
				if alert.State == prometheus.StateFiring {
					found[rule.Name()] = append(found[rule.Name()], alert)
				}
			}
		}
	}
	return found
}

func (expected expectation) compare(fires map[string][]*prometheus.Alert) error {
	if expected.Alert == "" {
		if len(fires) > 0 {
			return fmt.Errorf("nothing should fire, %s does", strings.Join(slices.Sorted(maps.Keys(fires)), " "))
		}
		return nil
	}
	actual := fires[expected.Alert]
	if len(actual) != len(expected.Alerts) {
		return fmt.Errorf("%d of %s fire, not %d: %v", len(actual), expected.Alert, len(expected.Alerts), actual)
	}
	for _, wanted := range expected.Alerts {
		wanted.Labels[labels.AlertName] = expected.Alert
		at := slices.IndexFunc(actual, func(alert *prometheus.Alert) bool {
			return labels.Equal(alert.Labels, labels.FromMap(wanted.Labels))
		})
		if at < 0 {
			return fmt.Errorf("no %s with %v fires, but with %v", expected.Alert, wanted.Labels, actual[0].Labels)
		}
		for name, text := range wanted.Annotations {
			if found := actual[at].Annotations.Get(name); found != text {
				return fmt.Errorf("%s of %s is %q, not %q", name, expected.Alert, found, text)
			}
		}
	}
	return nil
}
