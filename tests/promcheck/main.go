// Command promcheck reads expressions and rules as Prometheus does, with Prometheus' own parser, and prints what they
// select as JSON; and it evaluates rules over given series with Prometheus' own engine.
//
//	promcheck expressions <expressions.json   reads [{"name", "expr"}], prints [{"name", "selectors"}]
//	promcheck rules alerts.yaml               prints [{"alert", "expr", "for", "labels", "annotations", "selectors"}]
//	promcheck test alerts.yaml tests.yaml     tests in the words of promtool's unit tests: alert_rule_test of input_series;
//	                                          one without alertname says that nothing fires at all
//
// It must not know which metrics there are: whoever calls it does.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// Of the options none is set: what is checked has to work in a Prometheus that nobody configured.
var promql = parser.NewParser(parser.Options{})

// A selector of an expression.
type selector struct {
	Metric   string    `json:"metric"`
	Matchers []matcher `json:"matchers"`
	// Labels by which aggregations and matches around it group.
	Grouping []string `json:"grouping"`
	// Functions around it, from the outermost on.
	Functions []string `json:"functions"`
}

type matcher struct {
	Label    string `json:"label"`
	Operator string `json:"operator"`
	// The values: one, or the alternatives of a regular expression that has nothing else.
	Values []string `json:"values"`
	// Set if it is a regular expression that is more than alternatives.
	Pattern string `json:"pattern,omitempty"`
}

type expression struct {
	Name      string     `json:"name"`
	Expr      string     `json:"expr,omitempty"`
	Selectors []selector `json:"selectors"`
}

type alert struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Selectors   []selector        `json:"selectors"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 1 && arguments[0] == "expressions":
		return expressions()
	case len(arguments) == 2 && arguments[0] == "rules":
		return rules(arguments[1])
	case len(arguments) == 3 && arguments[0] == "test":
		return test(arguments[1], arguments[2])
	}
	return errors.New("write promcheck expressions, promcheck rules FILE, or promcheck test RULES TESTS")
}

func expressions() error {
	var all []expression
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		return fmt.Errorf("read expressions: %w", err)
	}
	var failed []error
	for i := range all {
		found, err := selectors(all[i].Expr)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w in %s", all[i].Name, err, all[i].Expr))
		}
		all[i].Selectors = found
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

func rules(path string) error {
	groups, failed := rulefmt.ParseFile(path, false, model.UTF8Validation, promql, slog.New(slog.DiscardHandler))
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	var alerts []alert
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			found, err := selectors(rule.Expr)
			if err != nil {
				return fmt.Errorf("%s: %w", rule.Alert, err)
			}
			alerts = append(alerts, alert{rule.Alert, rule.Expr, rule.For.String(), rule.Labels, rule.Annotations, found})
		}
	}
	return json.NewEncoder(os.Stdout).Encode(alerts)
}

// What an expression selects, in its order.
func selectors(text string) ([]selector, error) {
	parsed, err := promql.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	found := []selector{}
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		if vector, ok := node.(*parser.VectorSelector); ok {
			found = append(found, selected(vector, path))
		}
		return nil
	})
	return found, nil
}

func selected(vector *parser.VectorSelector, path []parser.Node) selector {
	found := selector{Metric: vector.Name, Matchers: []matcher{}, Grouping: []string{}, Functions: []string{}}
	for _, one := range vector.LabelMatchers {
		if one.Name != labels.MetricName {
			found.Matchers = append(found.Matchers, match(one))
		}
	}
	for _, around := range path {
		switch around := around.(type) {
		case *parser.AggregateExpr:
			found.Grouping = append(found.Grouping, around.Grouping...)
			found.Functions = append(found.Functions, around.Op.String())
		case *parser.Call:
			found.Functions = append(found.Functions, around.Func.Name)
		case *parser.BinaryExpr:
			if around.VectorMatching != nil {
				found.Grouping = append(found.Grouping, around.VectorMatching.MatchingLabels...)
			}
		}
	}
	return found
}

func match(one *labels.Matcher) matcher {
	found := matcher{Label: one.Name, Operator: one.Type.String(), Values: []string{one.Value}}
	if one.Type == labels.MatchRegexp || one.Type == labels.MatchNotRegexp {
		found.Values = one.SetMatches()
		if len(found.Values) == 0 {
			found.Values, found.Pattern = []string{}, one.Value
		}
	}
	return found
}
