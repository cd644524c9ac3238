"""A retailer's ReturnGO and Brightpearl on loopback, with the people who work with them: for the demo, the drills and the tests."""
