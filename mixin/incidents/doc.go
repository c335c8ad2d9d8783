// Package incidents holds the alerts against a day in which nothing is wrong and
// against incidents that are, and checks who would have been woken.
//
// It is a test alone. A simulated vmpooler lives in an embedded Redis on the clock
// of a synctest bubble, and two exporters, put together from the parts that the
// program is made of, look at it and are scraped every half minute. What they said
// becomes the series of promtool's rule tests, for the alerts as they are compiled.
package incidents
